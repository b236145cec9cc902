// SPDX-License-Identifier: MIT
// child - the process that serves one client.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "signals.h"
#include "sockets.h"
#include "stream.h"

// What a child exits with, so that its parent can name the reason; apart from 1
// and 2, with which other code ends a process.
constexpr int child_served = 0;
constexpr int child_failed = 3;
constexpr int child_reset = 4;
constexpr int child_timed_out = 5;

static int exit_status(int echoed) {
    if (echoed == 0)
        return child_served;
    switch (errno) {
    case ECONNRESET:
    case EPIPE:
        return child_reset;
    case EAGAIN: // SO_RCVTIMEO or SO_SNDTIMEO
    case ETIMEDOUT:
        return child_timed_out;
    default:
        return child_failed;
    }
}

void serve_client(int listener, int client,
                  const struct client_options *options) {
    // Else the port would stay taken when the parent is gone.
    if (listener != -1)
        (void)close(listener);
    // Two calls, for each costs as many connections as it takes time; the
    // options come from the listener wherever it is the server's own.
    if (set_signal(SIGTERM, SIG_DFL) == -1 || unblock_signal(SIGTERM) == -1 ||
        (options != nullptr && set_client_options(client, options) == -1))
        _exit(child_failed);
    _exit(exit_status(echo_stream(client))); // which closes the client as well
}

void describe_child(int status, char text[status_text_size]) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == child_served)
        (void)snprintf(text, status_text_size, "client disconnected");
    else if (code == child_reset)
        (void)snprintf(text, status_text_size, "connection reset");
    else if (code == child_timed_out)
        (void)snprintf(text, status_text_size, "timed out");
    else
        describe_status(status, text);
}
