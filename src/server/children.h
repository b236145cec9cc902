// SPDX-License-Identifier: MIT
// children - the table of a server's live children.
#pragma once

#include <stdint.h>
#include <sys/types.h>

union address;

struct child {
    pid_t pid;
    uint64_t network; // see children_from()
};

// All may be read. The children are entries[0] to entries[live - 1], unordered.
struct children {
    int limit; // the most children at once
    int live;  // the children now
    struct child *entries;
};

// Makes *CHILDREN an empty table for LIMIT children, LIMIT > 0. Its memory is
// excluded from fork (madvise(2), MADV_DONTFORK): a child must not touch it.
// Returns 0, or -1 with mmap(2)'s errno, ENOMEM, and nothing allocated.
int children_open(struct children *children, int limit);

// Frees the table's memory. Does not touch the processes.
void children_close(struct children *children);

// Adds PID, which serves PEER. The caller has checked that live < limit, and
// that PID is not in the table.
void children_add(struct children *children, pid_t pid,
                  const union address *peer);

// Removes PID; the last entry takes its place. Returns false if PID is not in
// the table: a child inherited over exec(3), or an adopted orphan.
bool children_remove(struct children *children, pid_t pid);

// The number of live children whose clients share PEER's address: IPv4, mapped
// or not, or the same IPv6 /64 and scope, because an IPv6 host chooses the
// lower 64 bits itself (RFC 8981).
int children_from(const struct children *children, const union address *peer);
