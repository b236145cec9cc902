// SPDX-License-Identifier: MIT
// sockets - a listener, made or inherited, and addresses as text.
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

// A TCP address of either family; without a cast from one form to the other.
union address {
    struct sockaddr_in6 ipv6; // the largest first: = {} clears all
    struct sockaddr_in ipv4;
    struct sockaddr any; // its sa_family tells which
};

// Room for "[IPv6 address%scope]:port" and its terminating null.
constexpr size_t address_text_size = INET6_ADDRSTRLEN + 20;

// Reads TEXT, a numeric IPv4 or IPv6 address (inet_pton(3); IPv6 may end in
// %interface, RFC 4007), into *ADDRESS together with PORT. FAMILY is AF_INET,
// AF_INET6, or AF_UNSPEC for either. Returns 0, or -1 with errno EINVAL when
// TEXT is no such address, ENODEV when it names no interface.
int parse_address(const char *text, int family, in_port_t port,
                  union address *address);

// Writes ADDRESS as "192.0.2.1:80" or "[2001:db8::1%2]:80" (RFC 5952, the
// scope as a number) into TEXT; an IPv4 client of an IPv6 listener is shown as
// what it is, IPv4.
void format_address(const union address *address, char text[address_text_size]);

// Whether ADDRESS is an IPv4 one, or one mapped into IPv6, and if so which.
bool ipv4_of(const union address *address, struct in_addr *ipv4);

// What is up to the user of a client's socket.
struct client_options {
    int timeout; // seconds that it may send, or acknowledge, nothing; 0: ever
};

// Sets on SOCKET, a client's, TCP_NODELAY, SO_KEEPALIVE, SO_OOBINLINE (an
// urgent byte is echoed like any other; MPTCP has none, and goes without),
// TCP_NOTSENT_LOWAT to 128 KiB (a client that does not read would hold
// megabytes of the kernel's memory), and from OPTIONS SO_RCVTIMEO and
// SO_SNDTIMEO, after which a read or write fails with EAGAIN. Or on a listener:
// Linux copies them to each client's socket when it makes that, so that they
// cost nothing per client; but clients that are in the backlog already go
// without. Returns 0, or -1 with setsockopt(2)'s errno. See tcp(7), socket(7).
int set_client_options(int socket, const struct client_options *options);

struct listen_settings {
    int family;  // AF_INET6: an IPv6 listener takes no IPv4 clients
    int backlog; // so many clients may wait to be accepted; the kernel lowers
                 // it to net.core.somaxconn
    struct client_options clients;
};

// What the listen_ functions name when they fail, for the message.
struct listen_failure {
    const char *call;      // such as "bind"
    union address address; // the one it was about
};

// A new TCP listener at ADDRESS with SO_REUSEADDR, FD_CLOEXEC and O_NONBLOCK,
// whose clients have all of set_client_options(). Returns the descriptor, the
// caller's to close; or -1 with the errno of socket(2), setsockopt(2), bind(2)
// or listen(2) and *FAILURE filled, nothing left open.
int listen_at(const union address *address,
              const struct listen_settings *settings,
              struct listen_failure *failure);

// As listen_at(), at PORT of every address of the family that SETTINGS have;
// AF_UNSPEC means IPv6 and IPv4 on one socket, or IPv4 alone where the host has
// no IPv6.
int listen_everywhere(in_port_t port, const struct listen_settings *settings,
                      struct listen_failure *failure);

// The listener that systemd(1) or the like has passed in by LISTEN_PID and
// LISTEN_FDS (sd_listen_fds(3)). Returns its descriptor, now the caller's,
// FD_CLOEXEC and O_NONBLOCK. What its clients have is its maker's choice, and
// some may be there already: each is for set_client_options(). -1 with errno
//   ENOENT    none has been passed in
//   ESRCH     LISTEN_PID names another process
//   EINVAL    LISTEN_PID or LISTEN_FDS is no number, or they say more than one
//   ENOTSOCK  and other errno of getsockopt(2): what was passed is no socket
//   EPROTOTYPE  it is a socket, but not a listening one of TCP or MPTCP
// Under AT_SECURE (secure_getenv(3)) none is taken.
int inherited_listener(void);

// The next client of LISTENER, by accept4(2) with SOCK_CLOEXEC, and its address
// in *PEER. Returns its descriptor, the caller's to close; or -1 with
// accept(2)'s errno: EAGAIN when there is none; EMFILE, ENFILE, ENOBUFS or
// ENOMEM; EBADF, EINVAL or ENOTSOCK. Any other is about one connection, or the
// network behind it: the next one is taken, and only the error of the last of
// TRIES returned.
int accept_from(int listener, union address *peer, int tries);

// The address that SOCKET is bound to, by getsockname(2). Returns 0, or -1 with
// its errno.
int local_address(int socket, union address *address);

// Closes FD, which is of no more use, and keeps errno: it tells what has
// failed.
void close_after_failure(int fd);
