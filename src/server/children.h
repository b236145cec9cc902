// SPDX-License-Identifier: MIT
// children - the table of a server's live children: the pid of each, and where
// its client comes from.
#pragma once

#include <stdint.h>
#include <sys/types.h>

union address;

struct child {
    pid_t pid;
    uint64_t network; // see children_from()
};

// Made by children_open(). All may be read; entries[0] to entries[live - 1] are
// the children, in no order.
struct children {
    int limit; // at most this many at once
    int live;  // so many now
    struct child *entries;
};

// Makes *CHILDREN an empty table for LIMIT children, LIMIT > 0, in memory that
// the process keeps to itself, by madvise(2) MADV_DONTFORK: a fork does not
// copy it, and a child must not touch the table. Returns 0, or -1 with
// mmap(2)'s errno, ENOMEM, and nothing allocated.
int children_open(struct children *children, int limit);

// Gives the memory of a table that was opened back. The processes are not its
// business.
void children_close(struct children *children);

// Adds PID, serving PEER. The caller has seen that live < limit and that PID is
// not in the table.
void children_add(struct children *children, pid_t pid,
                  const union address *peer);

// Removes PID, and moves the last entry into its place. Returns false if it is
// not in the table: a child that the server did not make, but inherited over
// exec(3), or adopted.
bool children_remove(struct children *children, pid_t pid);

// How many live children serve clients from where PEER is: the same IPv4
// address, in either of its forms, or the same IPv6 /64, for an IPv6 host
// chooses the lower half of its address itself (RFC 8981).
int children_from(const struct children *children, const union address *peer);
