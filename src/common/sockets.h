// SPDX-License-Identifier: MIT
// sockets - listeners, made or inherited, and addresses as text.
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

// A TCP address of either family, usable without casts.
union address {
    struct sockaddr_in6 ipv6; // the largest first: = {} clears all
    struct sockaddr_in ipv4;
    struct sockaddr any; // sa_family selects the member
};

// Room for "[IPv6 address%scope]:port" and a null byte.
constexpr size_t address_text_size = INET6_ADDRSTRLEN + 20;

// Reads TEXT, a numeric IPv4 or IPv6 address (inet_pton(3); IPv6 may end in
// %interface, RFC 4007), and PORT into *ADDRESS. FAMILY is AF_INET, AF_INET6 or
// AF_UNSPEC, for either. Returns 0, or -1 with errno EINVAL if TEXT is not such
// an address, ENODEV if the interface does not exist.
int parse_address(const char *text, int family, in_port_t port,
                  union address *address);

// Writes ADDRESS into TEXT as "192.0.2.1:80" or "[2001:db8::1%2]:80" (RFC 5952,
// the scope as a number). An IPv4-mapped IPv6 address is written as IPv4.
void format_address(const union address *address, char text[address_text_size]);

// Whether ADDRESS is IPv4, or IPv4 mapped into IPv6; if so, *IPV4 is set to it.
bool ipv4_of(const union address *address, struct in_addr *ipv4);

// What the user may choose for client sockets.
struct client_options {
    int timeout; // seconds without data or acknowledgment; 0: no limit
};

// Sets on the client socket SOCKET: TCP_NODELAY; SO_KEEPALIVE; SO_OOBINLINE, to
// echo urgent data in line (MPTCP has none, and does without);
// TCP_NOTSENT_LOWAT of 128 KiB, because a client that does not read would
// otherwise hold megabytes of kernel memory; and, from OPTIONS, SO_RCVTIMEO and
// SO_SNDTIMEO, after which read(2) and write(2) fail with EAGAIN. SOCKET may be
// a listener instead: on Linux each later client's socket inherits the options,
// which costs nothing per client; those in the backlog already have none.
// Returns 0, or -1 with setsockopt(2)'s errno. See tcp(7), socket(7).
int set_client_options(int socket, const struct client_options *options);

struct listen_settings {
    int family;  // AF_INET6: no IPv4 clients
    int backlog; // listen(2)'s; at most net.core.somaxconn
    struct client_options clients;
};

// The call that failed, for the message.
struct listen_failure {
    const char *call; // such as "bind"
    union address address;
};

// Makes a TCP listener at ADDRESS, with SO_REUSEADDR, FD_CLOEXEC, O_NONBLOCK
// and, for its clients, set_client_options(). Returns the descriptor, the
// caller's to close; or -1 with the errno of the call that *FAILURE names, and
// nothing left open.
int listen_at(const union address *address,
              const struct listen_settings *settings,
              struct listen_failure *failure);

// As listen_at(), at PORT of every address of the family in SETTINGS. AF_UNSPEC
// is IPv6 and IPv4 on one socket, or IPv4 alone if the host has no IPv6.
int listen_everywhere(in_port_t port, const struct listen_settings *settings,
                      struct listen_failure *failure);

// The listener that systemd(1) or the like passed in by LISTEN_PID and
// LISTEN_FDS (sd_listen_fds(3)), now FD_CLOEXEC and O_NONBLOCK. Returns its
// descriptor, the caller's to close. Its clients, some perhaps in the backlog,
// have its creator's options: call set_client_options() for each. Returns -1
// with errno
//   ENOENT      none was passed, or the process is AT_SECURE (secure_getenv(3))
//   ESRCH       LISTEN_PID names another process
//   EINVAL      one of the two is not a number, or LISTEN_FDS is above 1
//   ENOTSOCK    it is not a socket; or another errno of getsockopt(2), fcntl(2)
//   EPROTOTYPE  it is not a listening socket of TCP or MPTCP
int inherited_listener(void);

// Accepts the next client of LISTENER, by accept4(2) with SOCK_CLOEXEC, and
// writes its address into *PEER. Returns its descriptor, the caller's to close;
// or -1 with errno EAGAIN if none is waiting; EMFILE, ENFILE, ENOBUFS, ENOMEM;
// EBADF, EINVAL or ENOTSOCK. Any other error is about one connection or its
// network: it is returned only if each of TRIES tries ends in such an error.
int accept_from(int listener, union address *peer, int tries);

// Writes SOCKET's own address into *ADDRESS. Returns getsockname(2)'s result.
int local_address(int socket, union address *address);

// Closes FD after another call failed, and keeps that call's errno.
void close_after_failure(int fd);
