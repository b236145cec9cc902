// SPDX-License-Identifier: MIT
// ending - how a signal ends the client, and its writer with it.
#pragma once

#include <signal.h>

extern volatile sig_atomic_t sigchld_came; // a child has ended; or this is 0
extern volatile sig_atomic_t writer;       // its pid; 0 when there is none

// From now on SIGINT, SIGTERM and SIGHUP, unless ignored, first end and reap
// the writer, then this process by the same signal. Process 1 of a PID
// namespace, which that does not kill (pid_namespaces(7)), exits with status
// 128 + the signal's number instead. SIGCHLD is noted, and comes in while
// wait_for() waits. To be called before anything that may block. Returns 0, or
// -1 with sigaction(2)'s errno.
int catch_signals(void);

// In the writer: the signals are as before catch_signals(). Returns 0, or -1
// with sigaction(2)'s errno.
int release_caught_signals(void);

// Keeps the three out and lets them in again: `writer` must not change, nor its
// process be reaped, under the handler.
void hold_ending_signals(void);
void let_in_ending_signals(void);
