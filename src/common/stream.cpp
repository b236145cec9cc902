// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/stream.h"

// Fewer system calls: this moved 1.5 times as much as 64 KiB. Static, because
// pages of it that no message reaches are never allocated.
constexpr size_t echo_buffer_size = 256 * 1024;

// Whether to repeat a call on FD that has failed. If FD is non-blocking, as
// another process may have made standard input or output, waits for EVENTS;
// otherwise EAGAIN means that the socket's time-out expired.
static bool try_again(int fd, short events) {
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN)
        return false;
    int flags = fcntl(fd, F_GETFL);
    bool non_blocking = flags != -1 && (flags & O_NONBLOCK) != 0;
    errno = EAGAIN;
    if (!non_blocking)
        return false;
    struct pollfd poll_fd = {.fd = fd, .events = events, .revents = 0};
    return poll(&poll_fd, 1, -1) == 1 || errno == EINTR;
}

ssize_t read_some(int fd, void *buffer, size_t size) {
    ssize_t n = 0;
    do
        n = read(fd, buffer, size);
    while (n == -1 && try_again(fd, POLLIN));
    return n;
}

// After SO_SNDTIMEO expired: whether the peer has acknowledged something since,
// leaving fewer than *QUEUED bytes (linux/sockios.h, SIOCOUTQ). A write waits
// until a third of the send buffer is free, and a peer that reads slowly may
// take longer than the time-out. *QUEUED is -1 at a write's first time-out.
static bool is_slow(int fd, int *queued) {
    int before = *queued;
    if (ioctl(fd, TIOCOUTQ, queued) == 0 && (before == -1 || *queued < before))
        return true;
    errno = EAGAIN; // also if FD is not a socket
    return false;
}

int write_all(int fd, const void *buffer, size_t size) {
    const char *next = static_cast<const char *>(buffer);
    int queued = -1;
    while (size > 0) {
        ssize_t n = write(fd, next, size);
        if (n == -1 && try_again(fd, POLLOUT))
            continue;
        if (n == -1 && errno == EAGAIN && is_slow(fd, &queued))
            continue;
        if (n == 0)
            errno = EIO; // or the loop would not end
        if (n <= 0)
            return -1;
        next += n;
        size -= static_cast<size_t>(n);
        queued = -1;
    }
    return 0;
}

int echo_stream(int fd) {
    static char buffer[echo_buffer_size];
    for (;;) {
        ssize_t n = read_some(fd, buffer, sizeof buffer);
        if (n <= 0)
            return static_cast<int>(n);
        if (write_all(fd, buffer, static_cast<size_t>(n)) == -1)
            return -1;
    }
}
