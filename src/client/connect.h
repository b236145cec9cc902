// SPDX-License-Identifier: MIT
// connect - a host's name and port to a connected TCP socket. Apart from
// sockets, so that a statically linked server carries no name resolution.
#pragma once

#include "common/sockets.h"

// Connects to PORT of HOST, a name or numeric address, by FAMILY (AF_INET,
// AF_INET6, or AF_UNSPEC for both), trying the addresses of getaddrinfo(3) one
// by one, in its order. SECONDS bounds all of the attempts together, but not
// name resolution: each gets an equal share of the time that is left for it and
// those to come. 0 waits as long as the kernel does.
//
// Returns the descriptor (blocking, FD_CLOEXEC, TCP_NODELAY, SO_KEEPALIVE), the
// caller's to close, PEER being the address as text; or -1 with *WHY a static
// text, nothing left open, and PEER the address tried last, or HOST as far as
// it fits where it has none.
int connect_to(const char *host, in_port_t port, int family, int seconds,
               char peer[address_text_size], const char **why);
