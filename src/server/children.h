// SPDX-License-Identifier: MIT
// children - the table of a server's live children: pid, and the address each
// one serves, with a count per address. Adding, removing and counting take the
// same time however many there are. An IPv6 host chooses the lower 64 bits of
// its address itself (RFC 8981), so that each /64 counts as one address.
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct child;
struct client_address;

// Made by children_open(). LIMIT and LIVE may be read; all else is private.
struct children {
    int limit; // at most this many at once
    int live;  // so many now
    struct child *slots;
    struct client_address *addresses;
    int *pid_buckets;
    int *address_buckets;
    size_t size; // of all four together, in bytes
    unsigned bucket_mask;
    int slots_used, slots_free;
    int addresses_used, addresses_free;
};

// Makes *CHILDREN an empty table for LIMIT children, LIMIT > 0, in memory of
// its own that the process keeps to itself, by madvise(2) MADV_DONTFORK: a fork
// does not copy it, and in a child the table must not be touched. Returns 0, or
// -1 with mmap(2)'s errno, ENOMEM, and nothing allocated.
int children_open(struct children *children, int limit);

// Gives the memory back, of a table that was opened. The processes are not its
// business.
void children_close(struct children *children);

// Adds PID, serving PEER. The caller has seen that live < limit and that PID is
// not in the table.
void children_add(struct children *children, pid_t pid,
                  const struct sockaddr_storage *peer);

// Removes PID. Returns false if it is not in the table: a child that the server
// did not make, but inherited over exec(3).
bool children_remove(struct children *children, pid_t pid);

// How many live children serve the address of PEER, its port aside: the same
// IPv4 address, in either of its forms, or the same IPv6 /64.
int children_from(const struct children *children,
                  const struct sockaddr_storage *peer);

// One pid after the other: *CURSOR starts at 0; returns 0 after the last.
// Removing the pid just returned disturbs nothing.
pid_t children_next(const struct children *children, int *cursor);
