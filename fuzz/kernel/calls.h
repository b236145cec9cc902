// SPDX-License-Identifier: MIT
// calls - the calls with which the code under test leaves itself. The linker
// hands them to this part (--wrap); it hands them on to the model that a target
// has armed or, while none is armed, to the system: an engine makes such calls
// as well.
#pragma once

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

// Answers for the calls of the same names. One that is null must not be made
// while this model is armed: it ends the process, which the fuzzer reports.
// A model answers clock_gettime for CLOCK_MONOTONIC; other clocks are the
// engine's and always the system's. exit_process stands for _exit(2) and
// exit(3), and does not return: it jumps back into the target (longjmp(3)).
// fork stands for _Fork(3) as well, and close_range for its number in
// syscall(2).
struct modelled_calls {
    int (*accept4)(int fd, struct sockaddr *address, socklen_t *size,
                   int flags) = nullptr;
    int (*clock_gettime)(clockid_t clock, struct timespec *now) = nullptr;
    int (*close)(int fd) = nullptr;
    int (*close_range)(unsigned first, unsigned last, int flags) = nullptr;
    void (*exit_process)(int status) = nullptr;
    int (*fcntl)(int fd, int command) = nullptr;
    pid_t (*fork)(void) = nullptr;
    unsigned (*if_nametoindex)(const char *name) = nullptr;
    int (*ioctl)(int fd, unsigned long request, int *value) = nullptr;
    int (*kill)(pid_t pid, int signo) = nullptr;
    int (*madvise)(void *address, size_t size, int advice) = nullptr;
    void *(*mmap)(void *address, size_t size, int protection, int flags, int fd,
                  off_t offset) = nullptr;
    int (*munmap)(void *address, size_t size) = nullptr;
    int (*nanosleep)(const struct timespec *time,
                     struct timespec *left) = nullptr;
    int (*poll)(struct pollfd *fds, nfds_t count, int milliseconds) = nullptr;
    int (*ppoll)(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *mask) = nullptr;
    ssize_t (*read)(int fd, void *buffer, size_t size) = nullptr;
    int (*setitimer)(int which, const struct itimerval *value,
                     struct itimerval *before) = nullptr;
    int (*setsockopt)(int fd, int level, int option, const void *value,
                      socklen_t size) = nullptr;
    int (*sigaction)(int signo, const struct sigaction *action,
                     struct sigaction *before) = nullptr;
    int (*sigprocmask)(int how, const sigset_t *set,
                       sigset_t *before) = nullptr;
    pid_t (*waitpid)(pid_t pid, int *status, int options) = nullptr;
    ssize_t (*write)(int fd, const void *buffer, size_t size) = nullptr;
};

// From now on CALLS answers; null: the system again. Its memory stays the
// caller's, and must stay.
void answer_by(const struct modelled_calls *calls);
