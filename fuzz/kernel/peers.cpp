// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/sockets.h"
#include "kernel/peers.h"
#include "kernel/state.h"

constexpr int first_port = 1024;

struct peer {
    int host;
    const char *address; // for parse_address(), which fuzz-words judges
    const char *shown;
};

// The two of host 3 share a /64. The next one's differs from theirs only in its
// last byte; those of hosts 2 and 5 only in their interface.
static const struct peer peers[peer_addresses] = {
    {0, "192.0.2.1", "192.0.2.1"},
    {0, "::ffff:192.0.2.1", "192.0.2.1"},
    {1, "192.0.2.9", "192.0.2.9"},
    {2, "fe80::1%4", "[fe80::1%4]"},
    {3, "2001:db8::1", "[2001:db8::1]"},
    {3, "2001:db8::8001:2:3:a", "[2001:db8::8001:2:3:a]"},
    {4, "2001:db8:0:f::1", "[2001:db8:0:f::1]"},
    {5, "fe80::1%3", "[fe80::1%3]"},
};

static const struct peer *peer_of(int client) {
    return &peers[kernel.address_of[client]];
}

bool same_host(int a, int b) {
    return peer_of(a)->host == peer_of(b)->host;
}

void write_peer(int client, struct sockaddr *address, socklen_t *size) {
    union address from;
    must(parse_address(peer_of(client)->address, AF_UNSPEC,
                       static_cast<in_port_t>(first_port + client),
                       &from) == 0);
    bool ipv4 = from.any.sa_family == AF_INET;
    socklen_t full = ipv4 ? sizeof from.ipv4 : sizeof from.ipv6;
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
