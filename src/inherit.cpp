// SPDX-License-Identifier: MIT
// inherit - what a process takes over from the one that started it, and must
// not depend on.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "inherit.h"
#include "signals.h"

// In ascending order, for open(2) takes the lowest number that is free.
static int hold_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1)
            continue;
        int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (errno != EBADF || open("/dev/null", flags) == -1)
            return -1;
    }
    return 0;
}

int reset_inherited(void) {
    if (hold_standard_descriptors() == -1 ||
        set_signal(SIGCHLD, SIG_DFL) == -1 ||
        set_signal(SIGPIPE, SIG_IGN) == -1 ||
        set_signal(SIGXFSZ, SIG_IGN) == -1)
        return -1;
    return unblock_signals();
}
