// SPDX-License-Identifier: MIT
// signals - dispositions, masks, and the one place where a signal may come in.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/signals.h"

int set_signal(int signo, signal_handler *handler) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_NOCLDSTOP;
    (void)sigfillset(&action.sa_mask); // cannot fail on a set of our own
    return sigaction(signo, &action, nullptr);
}

int signal_ignored(int signo) {
    struct sigaction action = {};
    if (sigaction(signo, nullptr, &action) == -1)
        return -1;
    return action.sa_handler == SIG_IGN;
}

int block_signal(int signo) {
    sigset_t set;
    (void)sigemptyset(&set); // cannot fail on a set of our own
    if (sigaddset(&set, signo) == -1)
        return -1;
    return sigprocmask(SIG_BLOCK, &set, nullptr);
}

int unblock_signals(void) {
    sigset_t none;
    (void)sigemptyset(&none); // cannot fail on a set of our own
    return sigprocmask(SIG_SETMASK, &none, nullptr);
}

static struct timespec timespec_of(int milliseconds) {
    return {.tv_sec = milliseconds / 1000,
            .tv_nsec = milliseconds % 1000 * 1000000L};
}

static int wait_with_mask(const sigset_t *mask, int fd, int milliseconds) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN, .revents = 0};
    struct timespec time = timespec_of(milliseconds);
    return ppoll(&poll_fd, 1, milliseconds == -1 ? nullptr : &time, mask);
}

int wait_for(int fd, int milliseconds) {
    sigset_t none;
    (void)sigemptyset(&none); // cannot fail on a set of our own
    return wait_with_mask(&none, fd, milliseconds);
}

int wait_without(int signo, int fd, int milliseconds) {
    sigset_t held;
    (void)sigemptyset(&held); // cannot fail on a set of our own
    if (sigaddset(&held, signo) == -1)
        return -1;
    return wait_with_mask(&held, fd, milliseconds);
}

void pause_for(int milliseconds) {
    struct timespec time = timespec_of(milliseconds);
    sigset_t none;
    sigset_t before;
    (void)sigemptyset(&none); // cannot fail, nor can these, on sets of our own
    (void)sigprocmask(SIG_SETMASK, &none, &before);
    (void)nanosleep(&time, nullptr); // cut short by a signal: all the better
    (void)sigprocmask(SIG_SETMASK, &before, nullptr);
}

int end_with_parent(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
        return -1;
    // It may have ended before the call above could ask for the signal.
    if (getppid() != parent) {
        errno = ESRCH;
        return -1;
    }
    return 0;
}
