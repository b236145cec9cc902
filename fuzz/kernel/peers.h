// SPDX-License-Identifier: MIT
// peers - the addresses of modelled clients: both families, one host in both
// forms, and one with two addresses of its /64.
#pragma once

#include <sys/socket.h>

constexpr int peer_addresses = 8;

// Whether addresses number A and B belong to one host.
bool same_host(int a, int b);

// Writes address NUMBER, with a port for CLIENT, to *ADDRESS and *SIZE, as
// accept(2) does.
void write_peer(int number, int client, struct sockaddr *address,
                socklen_t *size);

// That address and port as the log must show them, valid until the next call.
const char *peer_words(int number, int client);
