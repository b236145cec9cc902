// SPDX-License-Identifier: MIT
// sockets - loopback connections for tests.
#pragma once

#include <string>
#include <string_view>

#include "support/descriptors.h"

// A loopback connection; its reads and writes fail at the deadline.
Fd dial(int port, int family = AF_INET);
// A loopback port that stays bound, but without a listener, while *HOLDER is
// open.
int refusing_port(Fd *holder);
// One attempt: *FD is its socket; returns the result of connect(2).
int try_to_dial(int port, int family, Fd *fd);
// Whether a connection to PORT is accepted.
bool is_listening(int port);
// The port to which FD, one of the test's sockets, is bound.
int local_port(const Fd &fd);
// A loopback listener on a free port.
Fd listen_locally(int *port);

// A Multipath TCP socket, or none where the kernel lacks it.
Fd mptcp_socket();

// SIZE bytes in which each position differs from its neighbours.
std::string pattern(size_t size);
void send_all(const Fd &fd, std::string_view bytes);
// Sends pattern() to a peer that does not read until the buffers are full.
// Returns all that was sent.
std::string send_what_fits(const Fd &fd);
std::string receive(const Fd &fd, size_t size); // fewer only at end of file
std::string receive_to_end(const Fd &fd);
// Half-closes: the peer reads end of file.
void finish_sending(const Fd &fd);
// Closes with a reset instead of an end of file.
void reset_connection(Fd &fd);
// Whether BYTES come back unchanged.
bool echoes(const Fd &fd, std::string_view bytes);
