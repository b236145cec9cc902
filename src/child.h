// SPDX-License-Identifier: MIT
// child - the process that serves one client, and what it tells its parent by
// its end.
#pragma once

#include "reap.h"

struct client_options;

// For the child, right after its fork: closes LISTENER (-1 for none), which is
// the parent's; takes signals as a child should; sets OPTIONS on CLIENT, unless
// they are null; echoes on CLIENT, which is blocking, until end of file; and
// ends the process by _exit(2), and with it its last descriptor of the
// connection.
//
// SIGTERM, blocked as it was before the fork, ends it. The other signals that
// serve_signals() has blocked stay so for ever, and their handlers are never
// called: Ctrl-C, and a pkill(1) by name, reach the children as well, but are
// meant for the parent.
[[noreturn]] void serve_client(int listener, int client,
                               const struct client_options *options);

// Writes how the process of a client with wait status STATUS ended: "client
// disconnected", "connection reset", "timed out", else as describe_status().
void describe_child(int status, char text[status_text_size]);
