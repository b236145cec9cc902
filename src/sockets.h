// SPDX-License-Identifier: MIT
// sockets - a listener, made or inherited, and addresses as text.
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

// Room for "[IPv6 address%scope]:port" and its terminating null.
constexpr size_t address_text_size = INET6_ADDRSTRLEN + 20;

// Reads TEXT, a numeric IPv4 or IPv6 address (inet_pton(3); IPv6 may end in
// %interface, RFC 4007), into *ADDRESS together with PORT. FAMILY is AF_INET,
// AF_INET6, or AF_UNSPEC for either. Returns 0, or -1 with errno EINVAL when
// TEXT is no such address, ENODEV when it names no interface.
int parse_address(const char *text, int family, in_port_t port,
                  struct sockaddr_storage *address);

// Writes ADDRESS as "192.0.2.1:80" or "[2001:db8::1%2]:80" (RFC 5952, the
// scope as a number) into TEXT; an IPv4 client of an IPv6 listener is shown as
// what it is, IPv4.
void format_address(const struct sockaddr_storage *address,
                    char text[address_text_size]);

// The largest backlog that listen(2) grants: net.core.somaxconn, or SOMAXCONN
// where that cannot be read.
int largest_backlog(void);

// What the listen_ functions name when they fail, for the message.
struct listen_failure {
    const char *call;                // such as "bind"
    struct sockaddr_storage address; // the one it was about
};

// A new TCP listener at ADDRESS with SO_REUSEADDR, FD_CLOEXEC and BACKLOG.
// An IPv6 one takes IPv4 clients too unless IPV6_ONLY. Returns the descriptor,
// the caller's to close; or -1 with the errno of socket(2), setsockopt(2),
// bind(2) or listen(2) and *FAILURE filled, nothing left open.
int listen_at(const struct sockaddr_storage *address, bool ipv6_only,
              int backlog, struct listen_failure *failure);

// As listen_at(), at PORT of every address of FAMILY; AF_UNSPEC means IPv6 and
// IPv4 on one socket, or IPv4 alone where the host has no IPv6.
int listen_everywhere(int family, in_port_t port, int backlog,
                      struct listen_failure *failure);

// The listener that systemd(1) or the like has passed in by LISTEN_PID and
// LISTEN_FDS (sd_listen_fds(3)). Returns its descriptor, now the caller's and
// FD_CLOEXEC; -1 with errno
//   ENOENT    none has been passed to this process
//   EINVAL    LISTEN_PID or LISTEN_FDS is no number, or they say more than one
//   ENOTSOCK  and other errno of getsockopt(2): what was passed is no socket
//   EPROTOTYPE  it is a socket, but no listening TCP socket
int inherited_listener(void);

// Sets, on LISTENER, what each accepted socket then has without a further
// system call (Linux copies it): TCP_NODELAY, SO_KEEPALIVE, SO_OOBINLINE (an
// urgent byte is echoed like any other), and SO_RCVTIMEO and SO_SNDTIMEO of
// TIMEOUT seconds, 0 for none. LISTENER itself becomes non-blocking. Returns 0,
// or -1 with the errno of setsockopt(2) or fcntl(2).
int prepare_listener(int listener, int timeout);

// The address that SOCKET is bound to, by getsockname(2). Returns 0, or -1 with
// its errno.
int local_address(int socket, struct sockaddr_storage *address);
