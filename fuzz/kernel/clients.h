// SPDX-License-Identifier: MIT
// clients - a forking server's calls for its clients: accept(2), and close(2),
// which is the listener's as well.
#pragma once

#include <sys/socket.h>

int modelled_accept4(int fd, struct sockaddr *address, socklen_t *size,
                     int flags);
int close_descriptor(int fd);
