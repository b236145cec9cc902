// SPDX-License-Identifier: MIT
// answers - the calls of a forking server, except for its signals and its log.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

// clients.cpp; close(2) is also the listener's.
int modelled_accept4(int fd, struct sockaddr *address, socklen_t *size,
                     int flags);
int modelled_close(int fd);

// processes.cpp
pid_t modelled_fork(void);
pid_t modelled_waitpid(pid_t pid, int *status, int options);
int modelled_kill(pid_t pid, int signo);

// waits.cpp: what must come before a wait, what it is for, and for how long.
int modelled_clock_gettime(clockid_t clock, struct timespec *now);
int modelled_ppoll(struct pollfd *fds, nfds_t count,
                   const struct timespec *time, const sigset_t *mask);
int modelled_nanosleep(const struct timespec *time, struct timespec *left);

// memory.cpp: the table, a heap block of its exact size, so that a sanitizer
// sees accesses beyond; it must be excluded from fork.
void *modelled_mmap(void *address, size_t size, int protection, int flags,
                    int fd, off_t offset);
int modelled_madvise(void *address, size_t size, int advice);
int modelled_munmap(void *address, size_t size);
