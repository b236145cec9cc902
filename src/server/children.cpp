// SPDX-License-Identifier: MIT
// The table is searched from its end, because most children that terminate are
// young. To search 10 000 entries takes microseconds, a fork far longer.
#include <endian.h>
#include <string.h>
#include <sys/mman.h>

#include "common/sockets.h"
#include "server/children.h"

static size_t table_size(int limit) {
    return static_cast<size_t>(limit) * sizeof(struct child);
}

int children_open(struct children *children, int limit) {
    void *memory = mmap(nullptr, table_size(limit), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    // Hides the other clients from a compromised child. Where this fails, fork
    // shares the pages copy-on-write, and the parent's next write faults.
    (void)madvise(memory, table_size(limit), MADV_DONTFORK);
    *children = {limit, 0, static_cast<struct child *>(memory)};
    return 0;
}

void children_close(struct children *children) {
    (void)munmap(children->entries, table_size(children->limit)); // cannot fail
    *children = {};
}

// The upper 64 bits of an IPv6 address. For a link-local address, in which the
// lower 32 of them are 0, they hold the interface's number. An IPv4 address
// gets a value within 0:ffff::/32, which is reserved (RFC 4291).
static uint64_t network_of(const union address *peer) {
    struct in_addr ipv4 = {};
    if (ipv4_of(peer, &ipv4))
        return uint64_t{0xffff} << 32 | ntohl(ipv4.s_addr);
    uint64_t upper = 0;
    memcpy(&upper, &peer->ipv6.sin6_addr, sizeof upper);
    return be64toh(upper) | peer->ipv6.sin6_scope_id;
}

void children_add(struct children *children, pid_t pid,
                  const union address *peer) {
    children->entries[children->live++] = {pid, network_of(peer)};
}

bool children_remove(struct children *children, pid_t pid) {
    int i = children->live;
    while (i-- > 0)
        if (children->entries[i].pid == pid) {
            children->entries[i] = children->entries[--children->live];
            return true;
        }
    return false;
}

int children_from(const struct children *children, const union address *peer) {
    uint64_t network = network_of(peer);
    int count = 0;
    for (int i = 0; i < children->live; i++)
        count += children->entries[i].network == network;
    return count;
}
