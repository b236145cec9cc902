// SPDX-License-Identifier: MIT
// journal - the server's statistics, and each line that it writes after
// "listening on".
#pragma once

#include <stdint.h>
#include <sys/types.h>

union address;

// A line that is written at a limited rate.
struct sparse_line {
    int64_t due_at;         // the earliest time to write it
    unsigned long unlogged; // suppressed since the last one
};

struct journal {
    bool quiet; // no line per client
    unsigned long served, refused, fork_failures;
    struct sparse_line failure, limit, refusal, crash; // private
};

// All write through log.h: to standard output, or with PROGRAM in front to
// standard error. Lines that may come in floods are written once a second at
// most, the one about the limit once a minute; refusals and crashes say how
// many were suppressed.

// new client connected... PEER (pid PID)
void journal_connected(const struct journal *journal, const union address *peer,
                       pid_t pid);

// removed proc id: PID (client disconnected)
// If child_crashed(STATUS), also this, even if quiet, but not for SIGKILL while
// KILLING:
// PROGRAM: child PID: killed by signal 11
void journal_removed(struct journal *journal, pid_t pid, int status,
                     bool killing);

// client refused... PEER (LIMIT from this address)
void journal_refused(struct journal *journal, const union address *peer,
                     int limit);

// PROGRAM: clients: limit of LIMIT reached, others wait in the backlog
// Even if quiet.
void journal_limit(struct journal *journal, int limit);

// PROGRAM: CALL: strerror(errno)
// Even if quiet.
void journal_failed(struct journal *journal, const char *call);

// served 12, live LIVE, refused 0, fork failures 0, lines lost 0
void journal_totals(const struct journal *journal, int live);
