// SPDX-License-Identifier: MIT
// network - a loopback interface of the test's own.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network.h"

bool enter_own_network() {
    if (unshare(CLONE_NEWNET) == -1)
        return false;
    struct ifreq loopback = {};
    memcpy(loopback.ifr_name, "lo", sizeof "lo");
    loopback.ifr_flags = IFF_UP;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &loopback) == -1) {
        perror("no loopback in a network of its own");
        exit(EXIT_FAILURE);
    }
    close(fd);
    return true;
}
