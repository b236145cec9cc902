// SPDX-License-Identifier: MIT
// serve - the accept loop of a server that forks a process for each client.
#pragma once

struct children;
struct client_options;

struct serve_settings {
    int listener;            // non-blocking, listening; see sockets.h
    int clients_per_address; // excess connections are closed; 0: no limit
    int grace;               // seconds; the drain's grace period
    bool quiet;              // no line per client
    // Set by each child on its client; null if the listener passes them on.
    // Must not change while serve() runs.
    const struct client_options *options;
};

// Accepts clients, each of which gets a child process that echoes until end of
// file. CHILDREN is an empty table; at its limit further clients wait in the
// backlog. SIGUSR1 logs statistics. See journal.h for all that is logged.
//
// SIGTERM, SIGINT or SIGHUP starts the drain. Clients in the backlog are
// accepted, for at most a second and while there are slots. Then the listener
// is closed; children may finish within the grace period, after which they get
// SIGKILL. A further signal cuts the grace period short, except within a second
// of the first: a terminal and a wrapper may send two where one is meant.
//
// While clients keep coming, terminated children are reaped in batches, the
// less often the more are live; but at once if a slot is needed, or before a
// client is refused, which then costs a look at every live child.
//
// The caller has called serve_signals(). Takes LISTENER over and closes it.
// While waiting, holds no client's descriptor, except that of a client whose
// fork failed and will be retried. A shortage (of descriptors, memory or
// processes) is waited out, and costs no client unless the server stops.
//
// Returns 0 after a requested drain with every child reaped. Returns -1, the
// reason logged, after a drain forced by accept(2)'s EBADF, EINVAL or ENOTSOCK,
// or if waitpid(2) fails to reap the children.
int serve(const struct serve_settings *settings, struct children *children);
