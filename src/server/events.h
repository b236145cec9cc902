// SPDX-License-Identifier: MIT
// events - what a server waits for: a client, and signals, which a handler only
// notes and which come in while it waits.
#pragma once

#include <signal.h>

// Set by the handler; whoever acts on one sets it back to 0.
extern volatile sig_atomic_t child_ended;   // SIGCHLD
extern volatile sig_atomic_t report_wanted; // SIGUSR1
extern volatile sig_atomic_t stop_wanted;   // SIGTERM, SIGINT or SIGHUP

// Handles SIGCHLD, SIGTERM, SIGUSR1 and, unless they were ignored (nohup(1), a
// background job), SIGINT and SIGHUP. Blocks these, and SIGQUIT, outside
// await_event(): in a child they stay blocked, for children are the parent's to
// end. Ignores SIGTTOU. Returns 0, or -1 with sigaction(2)'s errno. To be
// called before the port is announced, so that whoever reads the announcement
// may send a signal.
int serve_signals(void);

// Whether anything has been noted.
bool signal_came(void);

// Waits until LISTENER has a client, for MILLISECONDS at most, or until a
// signal has been noted; as wait_for(), with SIGCHLD kept out where HOLDING.
// Returns 1 if a client is there, else 0; -1 with ppoll(2)'s errno when it has
// failed by itself.
int await_event(int listener, int milliseconds, bool holding);
