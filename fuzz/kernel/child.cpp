// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "kernel/child.h"
#include "kernel/state.h"
#include "stream_model.h"

constexpr size_t room = 1024; // bytes that its client may send

// Each byte of the table, which a child must not see: one that looks finds
// garbage, and one that writes is found out.
constexpr unsigned char hidden = 0x5a;

static const struct stream_model *connection; // with the client

// Called in ascending order where close_range(2) failed. The client's
// descriptor is closed by exit.
static int child_close(int fd) {
    must(fd == kernel.closed_below && fd < first_client_fd + kernel.accepted);
    kernel.closed_below++;
    return 0;
}

static int child_close_range(unsigned first, unsigned last, int flags) {
    int client = first_client_fd + kernel.accepted;
    must(first == 0 && flags == 0);
    must(last == static_cast<unsigned>(client) - 1);
    if (kernel.close_range_fails) {
        errno = ENOSYS;
        return -1;
    }
    kernel.closed_below = client;
    return 0;
}

static void check_closed(void) {
    must(kernel.closed_below > listener_fd);
}

static int child_setsockopt(int fd, int, int, const void *, socklen_t) {
    check_closed();
    must(fd == first_client_fd + kernel.accepted && !kernel.options_failed);
    kernel.options_set = true;
    if (take_control(kernel.input) % 4 != 1)
        return 0;
    kernel.options_failed = true;
    errno = ENOBUFS;
    return -1;
}

static ssize_t child_read(int fd, void *buffer, size_t size) {
    check_closed();
    must(kernel.settings.options == nullptr || kernel.options_set);
    must(!kernel.options_failed);
    return stream_read(fd, buffer, size);
}

// The statuses by which child.cpp tells the parent the reason.
static int expected_child_status(void) {
    switch (connection->error) {
    case 0:
        return 0;
    case ECONNRESET:
    case EPIPE:
        return 4;
    case EIO:
        return 3;
    default: // the connection timed out, or the network lost it
        return 5;
    }
}

[[noreturn]] static void child_exit(int status) {
    check_closed();
    if (kernel.options_failed) {
        must(status == 3);
    } else {
        must(status == expected_child_status());
        must(connection->error != 0 || connection->ended);
    }
    check_echo(connection);
    for (size_t i = 0; i < kernel.mapping.size; i++)
        must(kernel.mapping.bytes[i] == hidden);
    longjmp(kernel.leave, 1);
}

// All that a child may call. It must keep blocked what is meant for its parent.
static const struct modelled_calls child_calls = {
    .close_range = child_close_range,
    ._exit = child_exit,
    .close = child_close,
    .fcntl = stream_flags,
    .ioctl = stream_queued,
    .read = child_read,
    .setsockopt = child_setsockopt,
    .write = stream_write,
};

void begin_child(void) {
    memset(kernel.mapping.bytes, hidden, kernel.mapping.size);
    connection = open_stream(first_client_fd + kernel.accepted, kernel.input,
                             room, false);
    answer_by(&child_calls);
}
