// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/inherit.h"
#include "common/signals.h"

// As in linux/capability.h, which not every C library ships.
struct capability_header {
    uint32_t version;
    int pid; // 0: the caller
};

struct capability_sets {
    uint32_t effective, permitted, inheritable;
};

// In ascending order, because open(2) returns the lowest free descriptor.
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

int drop_capabilities(void) {
    struct capability_header header = {0x20080522, 0}; // version 3
    constexpr struct capability_sets none[2] = {};     // 32 capabilities each
    return static_cast<int>(syscall(SYS_capset, &header, none));
}

void close_inherited(unsigned first, unsigned last) {
#ifdef HAVE_CLOSE_RANGE
    bool closed = close_range(first, last, 0) == 0;
#else
    bool closed = syscall(SYS_close_range, first, last, 0) == 0;
#endif
    if (closed)
        return;
    if (last > INT_MAX) { // not in a child, whose sandbox forbids it
        struct rlimit open_files = {.rlim_cur = INT_MAX, .rlim_max = INT_MAX};
        (void)getrlimit(RLIMIT_NOFILE, &open_files); // cannot fail
        last = static_cast<unsigned>(open_files.rlim_cur - 1);
    }
    for (unsigned fd = first; fd <= last; fd++)
        (void)close(static_cast<int>(fd)); // most are not open
}
