// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
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

// Not the limit of open files, unless /proc cannot be read: it may have been
// lowered since, or be a billion, as in many containers.
static unsigned highest_descriptor(void) {
    DIR *open_files = opendir("/proc/self/fd");
    if (open_files == nullptr)
        return static_cast<unsigned>(sysconf(_SC_OPEN_MAX));
    int highest = 0;
    while (const struct dirent *entry = readdir(open_files)) {
        int fd = atoi(entry->d_name);
        if (fd > highest)
            highest = fd;
    }
    (void)closedir(open_files);
    return static_cast<unsigned>(highest);
}

void close_inherited(unsigned first, unsigned last) {
#ifdef HAVE_CLOSE_RANGE
    bool closed = close_range(first, last, 0) == 0;
#else
    bool closed = syscall(SYS_close_range, first, last, 0) == 0;
#endif
    if (closed)
        return;
    if (last > INT_MAX) // not in a child, whose sandbox forbids it
        last = highest_descriptor();
    for (unsigned fd = first; fd <= last; fd++)
        (void)close(static_cast<int>(fd)); // most are not open
}
