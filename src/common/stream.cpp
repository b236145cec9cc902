// SPDX-License-Identifier: MIT
// stream - bytes in and out of a descriptor. The only file that knows of
// EINTR in read(2) and write(2), and of writes that took less than asked.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/stream.h"

// Larger than one message: a buffer smaller than the message splits it, and
// the parts wait for each other's acknowledgement. Static, for a page of it
// that no message reaches is never there at all.
constexpr size_t echo_buffer_size = 256 * 1024;

// After a call on FD has failed: whether to make it again. Waits for EVENTS
// where FD is non-blocking, as standard input and output may be by the doing of
// some other program; in a blocking one EAGAIN is the socket's time-out.
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

// After a time-out of SO_SNDTIMEO: whether the peer has acknowledged something
// meanwhile, so that fewer bytes than *QUEUED are left. A write waits until a
// third of the send buffer is free, which takes a peer that reads slowly longer
// than the time-out. *QUEUED is -1 at the first time-out of a write.
static bool is_slow(int fd, int *queued) {
    int before = *queued;
    if (ioctl(fd, TIOCOUTQ, queued) == 0 && (before == -1 || *queued < before))
        return true;
    errno = EAGAIN; // also where it is no socket
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
            errno = EIO; // else this would ask for ever
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
