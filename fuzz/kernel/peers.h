// SPDX-License-Identifier: MIT
// peers - the addresses of modelled clients: both families, one host in both
// forms, and one with two addresses of its /64.
#pragma once

#include <sys/socket.h>

constexpr int peer_addresses = 8;

// Whether clients A and B come from one host.
bool same_host(int a, int b);

// Writes the address and port of CLIENT to *ADDRESS and *SIZE, as accept(2)
// does.
void write_peer(int client, struct sockaddr *address, socklen_t *size);

// The same as the log must show it, valid until the next call.
const char *peer_words(int client);
