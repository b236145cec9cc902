// SPDX-License-Identifier: MIT
// ending - how a signal terminates the client and its writer.
#pragma once

#include <signal.h>

extern volatile sig_atomic_t sigchld_came; // SIGCHLD was delivered
extern volatile sig_atomic_t writer;       // the writer's process ID, or 0

// From now on SIGINT, SIGTERM and SIGHUP, unless ignored, first kill and reap
// the writer and then terminate this process by the same signal. Process 1 of a
// PID namespace survives that (pid_namespaces(7)) and exits with 128 + the
// signal's number. SIGCHLD is noted, and delivered only in wait_for(). Call it
// before anything that may block. Returns 0, or -1 with sigaction(2)'s errno.
int catch_signals(void);

// Undoes catch_signals(), in the writer. Returns as catch_signals().
int release_caught_signals(void);

// Block and unblock SIGINT, SIGTERM and SIGHUP, so that their handler does not
// run while `writer` changes or its process is being reaped.
void block_ending_signals(void);
void unblock_ending_signals(void);
