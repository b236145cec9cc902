// SPDX-License-Identifier: MIT
// events - what a server waits for: a client, or a signal, which a handler
// notes, and which is delivered only during the wait.
#pragma once

#include <signal.h>

// Set by the handler, cleared by the code that acts on it.
extern volatile sig_atomic_t child_ended;   // SIGCHLD
extern volatile sig_atomic_t report_wanted; // SIGUSR1
extern volatile sig_atomic_t stop_wanted;   // SIGTERM, SIGINT or SIGHUP

// Handles SIGCHLD, SIGTERM, SIGUSR1 and, unless ignored (nohup(1), a background
// job), SIGINT and SIGHUP. Blocks these and SIGQUIT outside await_event();
// children inherit that mask, because the parent terminates them. Ignores
// SIGTTOU. Returns 0, or -1 with sigaction(2)'s errno. Call it before
// announcing the port: a reader of the announcement may send a signal.
int serve_signals(void);

// Waits until LISTENER has a client, MILLISECONDS have passed, or a signal has
// been noted; as wait_for(), with SIGCHLD blocked if DEFERRING. Returns 1 if a
// client is ready, 0 if not, or -1 with ppoll(2)'s errno for another failure.
int await_event(int listener, int milliseconds, bool deferring);
