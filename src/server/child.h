// SPDX-License-Identifier: MIT
// child - the process that serves one client, and what it tells its parent by
// its end.
#pragma once

#include <sys/types.h>

#include "common/status.h"

struct client_options;

// fork(2), without what only threads and pthread_atfork(3) need: _Fork(3),
// where the C library has it. That saves 5 % of the processor's time a
// connection.
pid_t fork_child(void);

// For the child, right after its fork: closes every descriptor below CLIENT,
// which are the parent's (standard input, output and error, and the listener);
// sets OPTIONS on CLIENT, unless they are null; echoes on CLIENT, which is
// blocking, until end of file; and ends the process by _exit(2), and with it
// its last descriptor of the connection.
//
// The signals that serve_signals() has blocked stay blocked for ever, so that
// their handlers are never called: Ctrl-C, a SIGTERM to the process group, and
// a pkill(1) by name reach the children as well, but are meant for the parent,
// which ends them by SIGKILL.
[[noreturn]] void serve_client(int client,
                               const struct client_options *options);

// Whether no child ends with wait status STATUS by its own doing: a signal, or
// an exit status that serve_client() does not give.
bool child_crashed(int status);

// Writes how the process of a client with wait status STATUS ended: "client
// disconnected", "connection reset", "timed out" (also where the network no
// longer reaches the client), else as describe_status().
void describe_child(int status, char text[status_text_size]);
