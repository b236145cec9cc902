// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/signals.h"

// SIGNO alone, or the empty set for 0.
static sigset_t set_of(int signo) {
    sigset_t set;
    (void)sigemptyset(&set); // neither fails for a valid signal
    if (signo != 0)
        (void)sigaddset(&set, signo);
    return set;
}

int set_signal(int signo, signal_handler *handler) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_NOCLDSTOP;
    (void)sigfillset(&action.sa_mask); // cannot fail
    return sigaction(signo, &action, nullptr);
}

int signal_ignored(int signo) {
    struct sigaction action = {};
    if (sigaction(signo, nullptr, &action) == -1)
        return -1;
    return action.sa_handler == SIG_IGN;
}

int block_signal(int signo) {
    sigset_t set = set_of(signo);
    return sigprocmask(SIG_BLOCK, &set, nullptr);
}

int unblock_signals(void) {
    sigset_t none = set_of(0);
    return sigprocmask(SIG_SETMASK, &none, nullptr);
}

static struct timespec timespec_of(int milliseconds) {
    return {.tv_sec = milliseconds / 1000,
            .tv_nsec = milliseconds % 1000 * 1000000L};
}

int wait_without(int signo, int fd, int milliseconds) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN, .revents = 0};
    struct timespec time = timespec_of(milliseconds);
    sigset_t mask = set_of(signo);
    return ppoll(&poll_fd, 1, milliseconds == -1 ? nullptr : &time, &mask);
}

int wait_for(int fd, int milliseconds) {
    return wait_without(0, fd, milliseconds);
}

void pause_for(int milliseconds) {
    struct timespec time = timespec_of(milliseconds);
    sigset_t none = set_of(0);
    sigset_t before;
    (void)sigprocmask(SIG_SETMASK, &none, &before); // cannot fail
    (void)nanosleep(&time, nullptr);                // a signal may interrupt it
    (void)sigprocmask(SIG_SETMASK, &before, nullptr);
}

int end_with_parent(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
        return -1;
    // The parent may have terminated before the call above.
    if (getppid() != parent) {
        errno = ESRCH;
        return -1;
    }
    return 0;
}
