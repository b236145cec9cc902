// SPDX-License-Identifier: MIT
// inherit - what a process inherits over exec(3) and fork(2), and must not
// depend on or keep.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
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

void close_inherited(unsigned first, unsigned last) {
#ifdef HAVE_CLOSE_RANGE
    if (close_range(first, last, 0) == 0)
        return;
#endif
    struct rlimit open_files = {};
    (void)getrlimit(RLIMIT_NOFILE, &open_files); // cannot fail
    for (unsigned fd = first; fd <= last && fd < open_files.rlim_cur; fd++)
        (void)close(static_cast<int>(fd)); // mostly not open
}
