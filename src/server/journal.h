// SPDX-License-Identifier: MIT
// journal - what the server says of its clients, and counts: every line that it
// writes after the one that it listens.
#pragma once

#include <stdint.h>
#include <sys/types.h>

union address;

// A line that may be due more often than it is written.
struct sparse_line {
    int64_t due_at;         // not before
    unsigned long unlogged; // since it was written last
};

struct journal {
    bool quiet; // no line per client
    unsigned long served, refused, fork_failures;
    struct sparse_line failure, limit, refusal, crash; // private
};

// All write by log.h: on standard output, or with the program's name in front
// on standard error. A line that may come in floods is written once a second at
// most, the one about the limit once a minute; those about refusals and crashes
// say how many were left out.

// new client connected... PEER (pid PID)
void journal_connected(const struct journal *journal, const union address *peer,
                       pid_t pid);

// removed proc id: PID (client disconnected)
// And where STATUS is none that a child gives itself (child_crashed()), but for
// SIGKILL while the server is KILLING, also where quiet:
// PROGRAM: child PID: killed by signal 11
void journal_removed(struct journal *journal, pid_t pid, int status,
                     bool killing);

// client refused... PEER (LIMIT from this address)
void journal_refused(struct journal *journal, const union address *peer,
                     int limit);

// PROGRAM: clients: limit of LIMIT reached, others wait in the backlog. Also
// where quiet.
void journal_limit(struct journal *journal, int limit);

// PROGRAM: CALL: strerror(errno). Also where quiet.
void journal_failed(struct journal *journal, const char *call);

// served 12, live LIVE, refused 0, fork failures 0, lines lost 0
void journal_totals(const struct journal *journal, int live);
