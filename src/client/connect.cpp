// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/connect.h"
#include "common/clock.h"

static int await_connection(int fd, int milliseconds) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT, .revents = 0};
    int ready = poll(&poll_fd, 1, milliseconds);
    if (ready == 0)
        errno = ETIMEDOUT;
    if (ready != 1)
        return -1;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

// If nothing listens at the requested port, and the kernel chooses that port
// for the socket, TCP connects it to itself, and it echoes. Only its two ends
// show it: a request for 0.0.0.0 or :: connects to loopback.
static bool connected_to_itself(int fd) {
    union address own = {};
    union address peer = {};
    socklen_t size = sizeof peer;
    return local_address(fd, &own) == 0 &&
           getpeername(fd, &peer.any, &size) == 0 &&
           memcmp(&own, &peer, sizeof own) == 0;
}

static int finish_connection(int fd, const struct addrinfo *to,
                             int milliseconds) {
    int one = 1;
    if (connect(fd, to->ai_addr, to->ai_addrlen) == -1 &&
        (errno != EINPROGRESS || await_connection(fd, milliseconds) == -1))
        return -1;
    if (connected_to_itself(fd)) {
        errno = ECONNREFUSED;
        return -1;
    }
    // Without keepalive an idle client never notices that the host is gone.
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) == -1)
        return -1;
    // Non-blocking mode was for connect(2) only.
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1)
        return -1;
    return fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

static int connect_one(const struct addrinfo *to, int milliseconds) {
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    IPPROTO_TCP);
    if (fd == -1)
        return -1;
    if (finish_connection(fd, to, milliseconds) == 0)
        return fd;
    close_after_failure(fd);
    return -1;
}

// The milliseconds that the first of ADDRESSES may take: an equal share of the
// time until DEADLINE, so that the others get theirs if it never answers.
static int share_of_time(int64_t deadline, const struct addrinfo *addresses) {
    int64_t left = deadline - now_ms();
    int count = 0;
    for (; addresses != nullptr; addresses = addresses->ai_next)
        count++;
    return left > 0 ? static_cast<int>(left / count) : 0;
}

int connect_to(const char *host, in_port_t port, int family, int seconds,
               char peer[address_text_size], const char **why) {
    char service[8];
    (void)snprintf(service, sizeof service, "%u", unsigned{port}); // fits
    (void)snprintf(peer, address_text_size, "%s", host); // may truncate
    struct addrinfo hints = {};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    struct addrinfo *addresses = nullptr;
    int failure = getaddrinfo(host, service, &hints, &addresses);
    if (failure != 0) {
        *why = failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure);
        return -1;
    }
    int64_t deadline = now_ms() + seconds * 1000LL;
    int fd = -1;
    for (struct addrinfo *to = addresses; to != nullptr && fd == -1;
         to = to->ai_next) {
        union address address = {};
        memcpy(&address, to->ai_addr, to->ai_addrlen);
        format_address(&address, peer);
        fd = connect_one(to, seconds == 0 ? -1 : share_of_time(deadline, to));
        if (fd == -1)
            *why = strerror(errno);
    }
    freeaddrinfo(addresses);
    return fd;
}
