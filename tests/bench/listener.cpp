// SPDX-License-Identifier: MIT
// listener - the listening socket of the servers compared with echo_mpserv.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/listener.h"
#include "common/die.h"

int listen_locally(bool non_blocking) {
    struct sockaddr_in here = {};
    socklen_t size = sizeof here;
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr *address = reinterpret_cast<struct sockaddr *>(&here);
    int on = non_blocking;
    int type = SOCK_STREAM | (non_blocking ? SOCK_NONBLOCK : 0);
    int listener = socket(AF_INET, type, 0);
    if (listener == -1 || bind(listener, address, size) == -1 ||
        listen(listener, 65535) == -1 || // the kernel caps it
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
        getsockname(listener, address, &size) == -1)
        die("listen");
    dprintf(STDOUT_FILENO, "listening on 127.0.0.1:%d\n", ntohs(here.sin_port));
    return listener;
}
