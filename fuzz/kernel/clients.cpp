// SPDX-License-Identifier: MIT
#include <errno.h>

#include "kernel/answers.h"
#include "kernel/children.h"
#include "kernel/events.h"
#include "kernel/log.h"
#include "kernel/peers.h"
#include "kernel/state.h"

// The first of those in the backlog.
static int take_waiting(void) {
    note_progress();
    return kernel.clients - kernel.waiting--;
}

// Unless the error was about the server, its client is gone.
static int fail_to_accept(void) {
    int error = errno;
    enum diagnostic diagnostic = diagnostic_wrong;
    switch (error) {
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        kernel.hopeless = true;
        if (!kernel.draining)
            begin_drain();
        diagnostic = diagnostic_at_once;
        break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        note_shortage();
        diagnostic = diagnostic_due;
        break;
    case EAGAIN: // another process accepted them all
        while (kernel.waiting > 0)
            (void)take_waiting();
        kernel.found_none = true;
        break;
    default:
        // After a single one the server need not pause.
        if (++kernel.connection_failures > 1 || kernel.may_pause) {
            kernel.may_pause = true;
            diagnostic = diagnostic_right;
        }
        if (error != EINTR && kernel.waiting > 0)
            (void)take_waiting();
    }
    note_failure("accept", error, diagnostic);
    return -1;
}

int modelled_accept4(int fd, struct sockaddr *address, socklen_t *size,
                     int flags) {
    must(fd == listener_fd && kernel.listener_open && flags == SOCK_CLOEXEC);
    must(!kernel.hopeless && may_try_again());
    must(kernel.client_told || kernel.draining);
    must(kernel.accepted == nobody && kernel.own < kernel.limit);
    notice_drain();
    must(!is_late());
    enter();
    if (fails(&kernel.accept_failure))
        return fail_to_accept();
    if (kernel.waiting == 0) {
        errno = EAGAIN;
        return fail_to_accept();
    }
    int client = take_waiting();
    kernel.connection_failures = 0;
    note_plenty();
    kernel.accepted = client;
    kernel.may_refuse = false;
    write_peer(client, address, size);
    return first_client_fd + client;
}

static void close_listener(void) {
    must(kernel.listener_open && kernel.draining);
    must(kernel.hopeless || kernel.found_none || may_end_clients() ||
         kernel.own == kernel.limit ||
         kernel.clock >= kernel.drain_earliest + ms_to_accept);
    kernel.listener_open = false;
}

// A client that was never served.
static void close_accepted(int client) {
    must(client == kernel.accepted);
    kernel.accepted = nobody;
    kernel.fork_failed = false;
    if (!kernel.may_refuse || kernel.killed_at > 0) {
        must(may_end_clients());
        return;
    }
    kernel.refused++;
    expect_line(refusal_line, "client refused... %s (%d from this address%s)",
                peer_words(client), kernel.settings.clients_per_address,
                unlogged(refusal_line));
}

int modelled_close(int fd) {
    enter();
    if (fd == listener_fd)
        close_listener();
    else if (fd == first_client_fd + kernel.handed_over)
        kernel.handed_over = nobody;
    else
        close_accepted(fd - first_client_fd);
    return fails(&kernel.close_failure) ? -1 : 0;
}
