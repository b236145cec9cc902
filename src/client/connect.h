// SPDX-License-Identifier: MIT
// connect - from a host's name and port to a connected TCP socket. Apart from
// sockets.h, so that the static server links no name resolution.
#pragma once

#include "common/sockets.h"

// Connects to PORT of HOST, a name or numeric address. Tries the addresses that
// getaddrinfo(3) returns for FAMILY (AF_INET, AF_INET6, or AF_UNSPEC for both),
// in its order. SECONDS bounds all attempts together, but not name resolution:
// each attempt gets an equal share of the time left. 0: the kernel's own limit.
//
// Returns the descriptor (blocking, FD_CLOEXEC, TCP_NODELAY, SO_KEEPALIVE), the
// caller's to close, and PEER, its address as text. Or returns -1, with nothing
// left open and *WHY, a static text; PEER is then the last address tried, or,
// if there was none, HOST, perhaps truncated.
int connect_to(const char *host, in_port_t port, int family, int seconds,
               char peer[address_text_size], const char **why);
