// SPDX-License-Identifier: MIT
// listener - the listening socket of the servers compared with echo_mpserv.
#include "bench/listener.h"
#include "common/arguments.h"
#include "common/die.h"
#include "common/sockets.h"

constexpr char usage[] = "usage: floor|epoll_server port";

int listen_at_argument(int argc, char **argv) {
    if (argc != 2)
        die_usage(usage, "port is missing");
    int port = argument_number(usage, "port", argv[1], 1, 65535);
    union address here = {};
    here.ipv4.sin_family = AF_INET;
    here.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.ipv4.sin_port = htons(static_cast<in_port_t>(port));
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1 || bind(listener, &here.any, sizeof here.ipv4) == -1 ||
        listen(listener, 65535) == -1) // the kernel caps it
        die("listen");
    return listener;
}
