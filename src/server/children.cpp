// SPDX-License-Identifier: MIT
// children - the table of a server's live children: pid, and the address each
// one serves, with a count per address.
//
// Two hash tables with chaining. Their links are positions counted from 1, for
// then memory of zeros, as mmap(2) gives it, is an empty table.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "server/children.h"

struct child {
    pid_t pid;   // 0 in a slot that is free
    int address; // the one it serves
    int next;    // in its bucket, or among the free ones
};

struct client_address {
    struct in6_addr address;
    int clients;
    int next;
};

int children_open(struct children *children, int limit) {
    size_t count = static_cast<size_t>(limit);
    size_t buckets = 1;
    while (buckets < count)
        buckets *= 2;
    *children = {};
    children->limit = limit;
    children->bucket_mask = static_cast<unsigned>(buckets - 1);
    children->size =
        count * (sizeof(struct child) + sizeof(struct client_address)) +
        2 * buckets * sizeof(int);
    void *memory = mmap(nullptr, children->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    // A fork would copy the pages, and the next children_add() each one again.
    // Where this fails, it does: slower, and just as right.
    (void)madvise(memory, children->size, MADV_DONTFORK);
    // None of the four is aligned to more than an int.
    children->slots = static_cast<struct child *>(memory);
    children->addresses =
        reinterpret_cast<struct client_address *>(children->slots + count);
    children->pid_buckets =
        reinterpret_cast<int *>(children->addresses + count);
    children->address_buckets = children->pid_buckets + buckets;
    return 0;
}

void children_close(struct children *children) {
    (void)munmap(children->slots, children->size); // it is a whole mapping
    *children = {};
}

// IPv6 without its interface identifier; IPv4 in its mapped form,
// ::ffff:a.b.c.d, so that both forms are one key.
static struct in6_addr key_of(const struct sockaddr_storage *peer) {
    struct in6_addr key = {};
    if (peer->ss_family == AF_INET6) {
        key = reinterpret_cast<const struct sockaddr_in6 *>(peer)->sin6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(&key))
            memset(key.s6_addr + 8, 0, 8);
        return key;
    }
    key.s6_addr[10] = 0xff;
    key.s6_addr[11] = 0xff;
    memcpy(key.s6_addr + 12,
           &reinterpret_cast<const struct sockaddr_in *>(peer)->sin_addr, 4);
    return key;
}

static int *pid_bucket(const struct children *children, pid_t pid) {
    return &children->pid_buckets[static_cast<unsigned>(pid) &
                                  children->bucket_mask];
}

static int *address_bucket(const struct children *children,
                           const struct in6_addr *key) {
    // FNV-1a: neighbouring addresses differ in few bits, often the last ones.
    // Its product is meant to wrap; this form says so to UBSan.
    uint32_t hash = 2166136261U;
    for (uint8_t byte : key->s6_addr)
        (void)__builtin_mul_overflow(hash ^ byte, 16777619U, &hash);
    return &children
                ->address_buckets[(hash ^ hash >> 16) & children->bucket_mask];
}

// Where the link to KEY's entry is kept, or the link that ends the chain.
static int *address_link(const struct children *children,
                         const struct in6_addr *key) {
    int *link = address_bucket(children, key);
    while (*link != 0) {
        struct client_address *entry = &children->addresses[*link - 1];
        if (memcmp(&entry->address, key, sizeof *key) == 0)
            break;
        link = &entry->next;
    }
    return link;
}

static int take_address(struct children *children, const struct in6_addr *key) {
    int *link = address_link(children, key);
    if (*link == 0) {
        int position = children->addresses_free;
        if (position != 0)
            children->addresses_free = children->addresses[position - 1].next;
        else
            position = ++children->addresses_used;
        children->addresses[position - 1] = {*key, 0, 0};
        *link = position;
    }
    children->addresses[*link - 1].clients++;
    return *link;
}

static void drop_address(struct children *children, int position) {
    struct client_address *entry = &children->addresses[position - 1];
    entry->clients--;
    if (entry->clients > 0)
        return;
    int *link = address_link(children, &entry->address);
    *link = entry->next;
    entry->next = children->addresses_free;
    children->addresses_free = position;
}

void children_add(struct children *children, pid_t pid,
                  const struct sockaddr_storage *peer) {
    struct in6_addr key = key_of(peer);
    int position = children->slots_free;
    if (position != 0)
        children->slots_free = children->slots[position - 1].next;
    else
        position = ++children->slots_used;
    int *bucket = pid_bucket(children, pid);
    children->slots[position - 1] = {pid, take_address(children, &key),
                                     *bucket};
    *bucket = position;
    children->live++;
}

bool children_remove(struct children *children, pid_t pid) {
    int *link = pid_bucket(children, pid);
    while (*link != 0 && children->slots[*link - 1].pid != pid)
        link = &children->slots[*link - 1].next;
    if (*link == 0)
        return false;
    int position = *link;
    struct child *child = &children->slots[position - 1];
    drop_address(children, child->address);
    *link = child->next;
    *child = {0, 0, children->slots_free};
    children->slots_free = position;
    children->live--;
    return true;
}

int children_from(const struct children *children,
                  const struct sockaddr_storage *peer) {
    struct in6_addr key = key_of(peer);
    int position = *address_link(children, &key);
    return position == 0 ? 0 : children->addresses[position - 1].clients;
}

pid_t children_next(const struct children *children, int *cursor) {
    while (*cursor < children->slots_used) {
        pid_t pid = children->slots[(*cursor)++].pid;
        if (pid != 0)
            return pid;
    }
    return 0;
}
