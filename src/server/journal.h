// SPDX-License-Identifier: MIT
// journal - the server's statistics, and each line that serve() writes, except
// for an error of accept(2) that ends it.
#pragma once

#include <stdint.h>
#include <sys/types.h>

union address;

// A rate-limited line.
struct sparse_line {
    int64_t due_at;         // the earliest time to write it
    unsigned long unlogged; // suppressed since the last one
};

struct journal {
    bool quiet; // no line per client
    unsigned long served, refused, fork_failures;
    struct sparse_line failure, limit, refusal, crash; // private
};

// All write through log.h. Lines with PROGRAM in front go to standard error,
// even if QUIET. Those that may come in floods are written once a second at
// most, the one about the limit once a minute; those about refusals and crashes
// say how many were suppressed.

// new client connected... PEER (pid PID)
void journal_connected(const struct journal *journal, const union address *peer,
                       pid_t pid);

// removed proc id: PID (client disconnected)
// PROGRAM: child PID: killed by signal 11
// The second only if child_crashed(STATUS), and not for SIGKILL while KILLING.
void journal_removed(struct journal *journal, pid_t pid, int status,
                     bool killing);

// client refused... PEER (LIMIT from this address)
void journal_refused(struct journal *journal, const union address *peer,
                     int limit);

// PROGRAM: clients: limit of LIMIT reached, others wait in the backlog
void journal_limit(struct journal *journal, int limit);

// PROGRAM: CALL: strerror(errno)
void journal_failed(struct journal *journal, const char *call);

// served 12, live LIVE, refused 0, fork failures 0, lines lost 0
void journal_statistics(const struct journal *journal, int live);
