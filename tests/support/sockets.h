// SPDX-License-Identifier: MIT
// sockets - connections of a test, by loopback.
#pragma once

#include <string>
#include <string_view>

#include "support/descriptors.h"

// A loopback connection; its reads and writes fail at the deadline.
Fd dial(int port, int family = AF_INET);
// A port of loopback that is taken, but where nobody listens, while *HOLDER is
// open.
int refusing_port(Fd *holder);
// One attempt: *FD is its socket, the result connect(2)'s.
int try_to_dial(int port, int family, Fd *fd);
// Whether somebody takes connections at PORT.
bool is_listening(int port);
// The port that FD, a socket of the test's own, is bound to.
int local_port(const Fd &fd);
// A loopback listener of the test's own, on a free port.
Fd listen_locally(int *port);

// A socket of Multipath TCP, or none where the kernel lacks it.
Fd mptcp_socket();

// SIZE bytes in which each position differs from its neighbours.
std::string pattern(size_t size);
void send_all(const Fd &fd, std::string_view bytes);
// Sends pattern() until nothing more goes in, for the peer does not read.
// Returns all that has been sent.
std::string send_what_fits(const Fd &fd);
std::string receive(const Fd &fd, size_t size); // fewer only at end of file
std::string receive_to_end(const Fd &fd);
// Half-closes: the peer reads end of file.
void finish_sending(const Fd &fd);
// Closes with a reset instead of an end of file.
void reset_connection(Fd &fd);
// BYTES there and back.
bool echoes(const Fd &fd, std::string_view bytes);
