// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/sockets.h"
#include "kernel/peers.h"
#include "kernel/state.h"

constexpr int first_port = 1024;

struct peer {
    int host;
    sa_family_t family;
    const char *address; // for inet_pton(3)
    uint32_t scope;
    const char *shown;
};

// The third and fourth IPv6 addresses share a /64. The next one's differs from
// theirs only in its last byte.
static const struct peer peers[peer_addresses] = {
    {0, AF_INET, "192.0.2.1", 0, "192.0.2.1"},
    {0, AF_INET6, "::ffff:192.0.2.1", 0, "192.0.2.1"},
    {1, AF_INET, "192.0.2.9", 0, "192.0.2.9"},
    {2, AF_INET, "198.51.100.1", 0, "198.51.100.1"},
    {3, AF_INET6, "2001:db8::1", 0, "[2001:db8::1]"},
    {3, AF_INET6, "2001:db8::8001:2:3:a", 0, "[2001:db8::8001:2:3:a]"},
    {4, AF_INET6, "2001:db8:0:f::1", 0, "[2001:db8:0:f::1]"},
    {5, AF_INET6, "fe80::1", 3, "[fe80::1%3]"},
};

static const struct peer *peer_of(int client) {
    return &peers[kernel.address_of[client]];
}

bool same_host(int a, int b) {
    return peer_of(a)->host == peer_of(b)->host;
}

void write_peer(int client, struct sockaddr *address, socklen_t *size) {
    const struct peer *peer = peer_of(client);
    union address from = {};
    void *host = &from.ipv6.sin6_addr;
    socklen_t full = sizeof from.ipv6;
    if (peer->family == AF_INET) {
        host = &from.ipv4.sin_addr;
        full = sizeof from.ipv4;
    } else {
        from.ipv6.sin6_scope_id = peer->scope;
    }
    from.any.sa_family = peer->family;
    // At the same place in both families.
    from.ipv6.sin6_port = htons(static_cast<in_port_t>(first_port + client));
    must(inet_pton(peer->family, peer->address, host) == 1);
    must(*size >= full); // or accept(2) would truncate
    memcpy(address, &from, full);
    *size = full;
}

const char *peer_words(int client) {
    static char words[64];
    (void)snprintf(words, sizeof words, "%s:%d", peer_of(client)->shown,
                   first_port + client);
    return words;
}
