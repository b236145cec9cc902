// SPDX-License-Identifier: MIT
// peers - the addresses of modelled clients: both families, one host in both
// forms, and one with two addresses of its /64.
#pragma once

#include <sys/socket.h>

#include "kernel/expected.h"

constexpr int peer_addresses = 8;

// Whether addresses number A and B belong to one host.
bool same_host(int a, int b);

// Writes address NUMBER, with a port for CLIENT, to *ADDRESS and *SIZE, as
// accept(2) does.
void write_peer(int number, int client, struct sockaddr *address,
                socklen_t *size);

// Appends that address and port, as the log must show them, to *LINE.
void add_peer(struct expected_line *line, int number, int client);
