// SPDX-License-Identifier: MIT
// clients - a forking server's calls for its clients: accept(2), and close(2),
// also of the listener.
#pragma once

#include <sys/socket.h>

int modelled_accept4(int fd, struct sockaddr *address, socklen_t *size,
                     int flags);
int modelled_close(int fd);
