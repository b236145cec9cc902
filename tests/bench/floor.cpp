// SPDX-License-Identifier: MIT
// floor - the least that a server with a process for each client has to do:
// accept, fork, echo, close, reap. No log, no limit, no sandbox, no drain; what
// it does is right. How fast it is, is how fast the kernel lets such a server
// be, and what echo_mpserv is measured by. usage: floor, on a free port
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"

static char buffer[256 * 1024];

// One SIGCHLD may stand for many.
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
    _exit(n == 0 ? 0 : exit_failed); // which closes the client
}

static int listen_locally(void) {
    struct sockaddr_in here = {};
    socklen_t size = sizeof here;
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr *address = reinterpret_cast<struct sockaddr *>(&here);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1 || bind(listener, address, size) == -1 ||
        listen(listener, 65535) == -1 || // cut down to what the kernel grants
        getsockname(listener, address, &size) == -1)
        die("listen");
    dprintf(STDOUT_FILENO, "listening on 127.0.0.1:%d\n", ntohs(here.sin_port));
    return listener;
}

int main(void) {
    struct sigaction action = {};
    action.sa_handler = reap;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    if (sigaction(SIGCHLD, &action, nullptr) == -1)
        die("sigaction");
    int listener = listen_locally();
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
