// SPDX-License-Identifier: MIT
// floor - the simplest correct forking server: accept, fork, echo, close, reap,
// with the most obvious calls. No log, no limit, no sandbox, no drain.
// echo_mpserv is measured against it: what that does beyond this should cost
// nothing. usage: floor port
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/listener.h"
#include "common/die.h"

static char buffer[256 * 1024];

// One SIGCHLD may stand for several children.
static void reap(int) {
    int reason = errno;
    while (waitpid(-1, nullptr, WNOHANG) > 0)
        ;
    errno = reason;
}

static bool send_back(int client, size_t size) {
    for (size_t sent = 0; sent < size;) {
        ssize_t n = write(client, buffer + sent, size - sent);
        if (n <= 0)
            return false;
        sent += static_cast<size_t>(n);
    }
    return true;
}

[[noreturn]] static void serve(int listener, int client) {
    close(listener); // the parent's
    ssize_t n = 0;
    do
        n = read(client, buffer, sizeof buffer);
    while (n > 0 && send_back(client, static_cast<size_t>(n)));
    _exit(n == 0 ? 0 : exit_failed); // closes the connection
}

int main(int argc, char **argv) {
    struct sigaction action = {};
    action.sa_handler = reap;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    if (sigaction(SIGCHLD, &action, nullptr) == -1)
        die("sigaction");
    int listener = listen_at_argument(argc, argv);
    for (;;) {
        int client = accept(listener, nullptr, nullptr);
        if (client == -1)
            die("accept");
        switch (fork()) {
        case -1:
            die("fork");
        case 0:
            serve(listener, client);
        default:
            close(client); // the child's now
        }
    }
}
