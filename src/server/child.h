// SPDX-License-Identifier: MIT
// child - the process that serves one client, and its exit status.
#pragma once

#include "common/status.h"

struct client_options;

// In the child, just after the fork: closes all descriptors below CLIENT, which
// are the parent's; sets OPTIONS, unless null, on CLIENT, a blocking socket;
// echoes until end of file; and calls _exit(2).
//
// The signals that serve_signals() blocked stay blocked. Ctrl-C, SIGTERM to the
// process group, or pkill(1) reaches children too, but is meant for the parent,
// which terminates them by SIGKILL.
[[noreturn]] void serve_client(int client,
                               const struct client_options *options);

// Whether STATUS, a wait status, is not one of serve_client()'s exit statuses.
bool child_crashed(int status);

// Describes STATUS, a child's wait status: "client disconnected", "connection
// reset", "timed out" (also if the network lost the client), or as
// describe_status().
void describe_child(int status, char text[status_text_size]);
