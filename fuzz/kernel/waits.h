// SPDX-License-Identifier: MIT
// waits - the waits of a forking server and its clock, and the rules for them:
// what it has done before, what it waits for, and for how long.
#pragma once

#include <poll.h>
#include <signal.h>
#include <time.h>

int modelled_clock_gettime(clockid_t clock, struct timespec *now);
int modelled_ppoll(struct pollfd *fds, nfds_t count,
                   const struct timespec *time, const sigset_t *mask);
int modelled_nanosleep(const struct timespec *time, struct timespec *left);
