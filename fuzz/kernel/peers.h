// SPDX-License-Identifier: MIT
// peers - the addresses that modelled clients come from: both families, one
// host in both of its forms, and one that has chosen two addresses of its /64.
#pragma once

#include <sys/socket.h>

#include "kernel/expected.h"

constexpr int peer_addresses = 8;

// Whether the addresses numbered A and B are of one host.
bool same_host(int a, int b);

// Writes address NUMBER, with a port of CLIENT's own, to *ADDRESS and *SIZE as
// accept(2) does.
void write_peer(int number, int client, struct sockaddr *address,
                socklen_t *size);

// Adds what the log is to say of that address and port to *LINE.
void add_peer(struct expected_line *line, int number, int client);
