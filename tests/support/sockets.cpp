// SPDX-License-Identifier: MIT
// sockets - loopback connections for tests.
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/sockets.h"
#include "support/require.h"
#include "support/sockets.h"
#include "support/waiting.h"

// The port is at the same offset in both families.
static union address loopback_address(int family, int port) {
    union address address = {};
    address.any.sa_family = static_cast<sa_family_t>(family);
    address.ipv4.sin_port = htons(static_cast<in_port_t>(port));
    if (family == AF_INET6)
        address.ipv6.sin6_addr = in6addr_loopback;
    else
        address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static Fd local_socket(int family) {
    Fd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct timeval limit = {deadline_seconds, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

int try_to_dial(int port, int family, Fd *fd) {
    union address address = loopback_address(family, port);
    *fd = local_socket(family);
    return connect(fd->get(), &address.any, sizeof address);
}

// Reads errno first: it may have changed when REQUIRE_MESSAGE evaluates its
// message.
static void require(bool done) {
    std::string reason = done ? "" : strerror(errno);
    REQUIRE_MESSAGE(done, reason);
}

Fd dial(int port, int family) {
    Fd fd;
    require(try_to_dial(port, family, &fd) == 0);
    return fd;
}

bool is_listening(int port) {
    Fd fd;
    return try_to_dial(port, AF_INET, &fd) == 0;
}

int local_port(const Fd &fd) {
    union address address = {};
    socklen_t size = sizeof address;
    REQUIRE(getsockname(fd.get(), &address.any, &size) == 0);
    return ntohs(address.ipv4.sin_port); // or IPv6's
}

int refusing_port(Fd *holder) {
    union address address = loopback_address(AF_INET, 0);
    *holder = local_socket(AF_INET);
    REQUIRE(bind(holder->get(), &address.any, sizeof address) == 0);
    return local_port(*holder);
}

Fd listen_locally(int *port) {
    Fd fd;
    *port = refusing_port(&fd);
    REQUIRE(listen(fd.get(), SOMAXCONN) == 0);
    return fd;
}

Fd mptcp_socket() {
    return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
}

std::string pattern(size_t size) {
    std::string bytes(size, '\0');
    uint32_t state = 1;
    for (char &byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

void send_all(const Fd &fd, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t n = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue; // the test was stopped and continued
        require(n > 0);
        bytes.remove_prefix(static_cast<size_t>(n));
    }
}

std::string send_what_fits(const Fd &fd) {
    std::string piece = pattern(1 << 16);
    std::string sent;
    ssize_t n = 0;
    while ((n = send(fd.get(), piece.data(), piece.size(),
                     MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
        sent.append(piece, 0, static_cast<size_t>(n));
    return sent;
}

std::string receive(const Fd &fd, size_t size) {
    std::string bytes(size, '\0');
    size_t filled = 0;
    while (filled < size) {
        ssize_t n = read(fd.get(), bytes.data() + filled, size - filled);
        if (n == -1 && errno == EINTR)
            continue; // the test was stopped and continued
        require(n >= 0);
        if (n == 0)
            break;
        filled += static_cast<size_t>(n);
    }
    bytes.resize(filled);
    return bytes;
}

std::string receive_to_end(const Fd &fd) {
    std::string all;
    for (;;) {
        std::string more = receive(fd, 65536);
        all += more;
        if (more.size() < 65536)
            return all;
    }
}

void finish_sending(const Fd &fd) {
    REQUIRE(shutdown(fd.get(), SHUT_WR) == 0);
}

void reset_connection(Fd &fd) {
    struct linger at_once = {1, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd.close();
}

bool echoes(const Fd &fd, std::string_view bytes) {
    send_all(fd, bytes);
    return receive(fd, bytes.size()) == bytes;
}
