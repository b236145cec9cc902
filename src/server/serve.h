// SPDX-License-Identifier: MIT
// serve - the accept loop of a server that forks a process for each client:
// the heart of the chapter.
#pragma once

struct children;
struct client_options;

// What serve() is to do; filled in by the program's options.
struct serve_settings {
    int listener;            // non-blocking, listening; see sockets.h
    int clients_per_address; // one more is closed at once; 0 for no limit
    int grace;               // seconds that a drain leaves the clients
    bool quiet;              // no line per client
    // What each child sets on its client; null where the listener's clients
    // have it. Not changed while serve() runs.
    const struct client_options *options;
};

// Accepts clients and gives each a child process that echoes until end of
// file, until SIGTERM, SIGINT or SIGHUP begins the drain: clients in the
// backlog are accepted, for a second at most and while there are free places;
// the listener is closed; children finish what they do within the grace period,
// and are then ended by SIGKILL. A further signal ends the grace period, unless
// it comes within a second of the first: a terminal and a wrapper may both have
// sent what was meant as one. SIGUSR1 logs the totals. CHILDREN is an empty
// table; its limit is the most clients at once, the others wait in the backlog,
// and a line says so once a minute at most. Children that have ended are reaped
// together, every few milliseconds, while clients keep coming; at once where
// one of them is waited for, or clients are counted by address. One that ends
// as none should (child_crashed()) is told on standard error, once a second at
// most.
//
// The caller has called serve_signals(). Takes the listener over and closes it.
// Holds no client's descriptor when it waits, except that of a client whose
// fork has failed and is tried again; and it looks for signals once more before
// it refuses a client. What runs out (descriptors, memory, processes) is waited
// for, with one line of complaint a second; a client is not lost by it, unless
// the server ends. Standard output and error are written by log.h alone.
//
// Returns 0 after a drain that was asked for, with every child reaped; or -1,
// the reason logged, after one that the listener forced by accept(2)'s EBADF,
// EINVAL or ENOTSOCK, or when waitpid(2) does not give the children out.
int serve(const struct serve_settings *settings, struct children *children);
