// SPDX-License-Identifier: MIT
#include <errno.h>

#include "kernel/child.h"
#include "kernel/memory.h"
#include "kernel/state.h"
#include "stream_model.h"

constexpr size_t room = 1024; // bytes that its client may send

static const struct stream_model *connection; // with the client

void begin_child(void) {
    kernel.in_child = true;
    hide_memory();
    connection = open_stream(first_stream, kernel.input, room, false);
}

// Called in ascending order where close_range(2) failed. The client's
// descriptor is closed by exit.
int child_close(int fd) {
    must(fd == kernel.closed_below && fd < first_client_fd + kernel.accepted);
    kernel.closed_below++;
    return 0;
}

int child_close_range(unsigned first, unsigned last, int flags) {
    int client = first_client_fd + kernel.accepted;
    must(kernel.in_child && first == 0 && flags == 0);
    must(last == static_cast<unsigned>(client) - 1);
    if (kernel.close_range_fails) {
        errno = ENOSYS;
        return -1;
    }
    kernel.closed_below = client;
    return 0;
}

// modelled_sigprocmask() checks that it keeps blocked what is meant for the
// parent.
static void check_child(int fd) {
    must(kernel.in_child && kernel.closed_below > listener_fd);
    must(fd == first_client_fd + kernel.accepted);
}

int child_setsockopt(int fd, int, int, const void *, socklen_t) {
    check_child(fd);
    must(!kernel.options_failed);
    kernel.options_set = true;
    if (take_control(kernel.input) % 4 != 1)
        return 0;
    kernel.options_failed = true;
    errno = ENOBUFS;
    return -1;
}

ssize_t child_read(int fd, void *buffer, size_t size) {
    check_child(fd);
    must(kernel.settings.options == nullptr || kernel.options_set);
    must(!kernel.options_failed);
    return stream_read(first_stream, buffer, size);
}

ssize_t child_write(int fd, const void *buffer, size_t size) {
    check_child(fd);
    return stream_write(first_stream, buffer, size);
}

int child_fcntl(int fd, int command, long) {
    check_child(fd);
    return stream_flags(first_stream, command, 0);
}

int child_ioctl(int fd, unsigned long request, int *value) {
    check_child(fd);
    return stream_queued(first_stream, request, value);
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

void child_exit(int status) {
    must(kernel.in_child && kernel.closed_below > listener_fd);
    if (kernel.options_failed) {
        must(status == 3);
    } else {
        must(status == expected_child_status());
        must(connection->error != 0 || connection->ended);
    }
    check_echo(connection);
    check_hidden_memory();
    longjmp(kernel.leave, 1);
}
