// SPDX-License-Identifier: MIT
// waits - a forking server's waits and clock, and the rules for them: what must
// come first, what it waits for, and for how long.
#pragma once

#include <poll.h>
#include <signal.h>
#include <time.h>

int modelled_clock_gettime(clockid_t clock, struct timespec *now);
int modelled_ppoll(struct pollfd *fds, nfds_t count,
                   const struct timespec *time, const sigset_t *mask);
int modelled_nanosleep(const struct timespec *time, struct timespec *left);
