// SPDX-License-Identifier: MIT
// kernel_child - the calls of a server's child: it has what it may have and no
// more, echoes, and leaves with a status that its parent can name.
#include <errno.h>

#include "kernel.h"
#include "stream_model.h"

constexpr size_t room = 1024; // for what its client sends

static struct stream_model connection;

void begin_child(void) {
    kernel.in_child = true;
    hide_memory();
    open_stream(&connection, kernel.input, room, false);
}

static void check_child(int fd) {
    must(kernel.in_child && !kernel.listener_open);
    must(fd == first_client_fd + kernel.accepted);
    must(kernel.client_open[kernel.accepted]);
    // What is meant for the parent waits for ever; SIGTERM ends it.
    must(kernel.blocked ==
         (signal_bit(SIGCHLD) | signal_bit(SIGINT) | signal_bit(SIGUSR1)));
    must(kernel.handlers[SIGTERM] == SIG_DFL);
}

ssize_t child_read(int fd, void *buffer, size_t size) {
    check_child(fd);
    return stream_read(&connection, buffer, size);
}

ssize_t child_write(int fd, const void *buffer, size_t size) {
    check_child(fd);
    return stream_write(&connection, buffer, size);
}

int child_fcntl(int fd, int command) {
    check_child(fd);
    return stream_flags(&connection, command);
}

// As child.cpp tells the parent, which makes words of it.
static int expected_child_status(void) {
    switch (connection.error) {
    case 0:
        return 0;
    case ECONNRESET:
    case EPIPE:
        return 4;
    case EAGAIN:
    case ETIMEDOUT:
        return 5;
    default:
        return 3;
    }
}

void child_exit(int status) {
    must(kernel.in_child && !kernel.listener_open);
    if (kernel.sigaction_failed) {
        must(status == 3 && connection.given_size == 0);
    } else {
        must(status == expected_child_status());
        must(connection.error != 0 || connection.ended);
    }
    check_echo(&connection);
    check_hidden_memory();
    longjmp(kernel.leave, 1);
}
