// SPDX-License-Identifier: MIT
// network - gives the test a network namespace of its own.
#include <cstring>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/network.h"

static bool leave_network() {
    if (unshare(CLONE_NEWNET) == -1)
        return false;
    struct ifreq loopback = {};
    memcpy(loopback.ifr_name, "lo", sizeof "lo");
    loopback.ifr_flags = IFF_UP;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
    close(fd);
    return up;
}

bool enter_own_network() {
    // A network whose loopback cannot be brought up, as in a container with
    // CAP_SYS_ADMIN but not CAP_NET_ADMIN, cannot be left: a child tries first.
    pid_t pid = fork();
    if (pid == 0)
        _exit(leave_network() ? 0 : 1);
    int status = -1;
    return waitpid(pid, &status, 0) == pid && status == 0 && leave_network();
}
