// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/inherit.h"
#include "common/sockets.h"
#include "common/stream.h"
#include "server/child.h"

// Exit statuses that tell the parent the reason. Not 1 and 2, with which other
// code may exit.
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
    case EAGAIN:    // SO_RCVTIMEO or SO_SNDTIMEO
    case ETIMEDOUT: // keepalive, or retransmission
    case EACCES:    // and below: timed out, after an ICMP error (tcp(7))
    case ECONNREFUSED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
        return child_timed_out;
    default:
        return child_failed;
    }
}

void serve_client(int client, const struct client_options *options) {
    // If left open, the listener would keep the port in use after the parent
    // has terminated, and the log its reader waiting. One call, for throughput.
    close_inherited(0, static_cast<unsigned>(client) - 1);
    if (options != nullptr && set_client_options(client, options) == -1)
        _exit(child_failed);
    _exit(exit_status(echo_stream(client))); // also closes the client
}

bool child_crashed(int status) {
    if (!WIFEXITED(status))
        return true;
    int code = WEXITSTATUS(status);
    return code != child_served && code != child_failed &&
           code != child_reset && code != child_timed_out;
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
