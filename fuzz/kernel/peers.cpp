// SPDX-License-Identifier: MIT
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "input.h"
#include "kernel/peers.h"

constexpr int first_port = 1024;

struct peer {
    int host;
    const char *text;
    sa_family_t family;
    uint32_t scope;
    uint8_t bytes[16]; // AF_INET uses 4
};

// The third and fourth IPv6 addresses share a /64. The next one's differs from
// theirs only in its last byte.
static const struct peer peers[peer_addresses] = {
    {0, "192.0.2.1", AF_INET, 0, {192, 0, 2, 1}},
    {0,
     "192.0.2.1",
     AF_INET6,
     0,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1}},
    {1, "192.0.2.9", AF_INET, 0, {192, 0, 2, 9}},
    {2, "198.51.100.1", AF_INET, 0, {198, 51, 100, 1}},
    {3,
     "[2001:db8::1]",
     AF_INET6,
     0,
     {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {3,
     "[2001:db8::8001:2:3:a]",
     AF_INET6,
     0,
     {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0x80, 1, 0, 2, 0, 3, 0, 10}},
    {4,
     "[2001:db8:0:f::1]",
     AF_INET6,
     0,
     {0x20, 1, 0xd, 0xb8, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0, 1}},
    {5,
     "[fe80::1%3]",
     AF_INET6,
     3,
     {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
};

bool same_host(int a, int b) {
    return peers[a].host == peers[b].host;
}

void write_peer(int number, int client, struct sockaddr *address,
                socklen_t *size) {
    const struct peer *peer = &peers[number];
    in_port_t port = htons(static_cast<in_port_t>(first_port + client));
    struct sockaddr_in ipv4 = {};
    struct sockaddr_in6 ipv6 = {};
    const void *from = &ipv6;
    socklen_t full = sizeof ipv6;
    if (peer->family == AF_INET) {
        ipv4.sin_family = AF_INET;
        ipv4.sin_port = port;
        memcpy(&ipv4.sin_addr, peer->bytes, sizeof ipv4.sin_addr);
        from = &ipv4;
        full = sizeof ipv4;
    } else {
        ipv6.sin6_family = AF_INET6;
        ipv6.sin6_port = port;
        ipv6.sin6_scope_id = peer->scope;
        memcpy(&ipv6.sin6_addr, peer->bytes, sizeof ipv6.sin6_addr);
    }
    must(*size >= full); // or accept(2) would truncate
    memcpy(address, from, full);
    *size = full;
}

void add_peer(struct expected_line *line, int number, int client) {
    add(line, peers[number].text);
    add(line, ":");
    add_number(line, first_port + client);
}
