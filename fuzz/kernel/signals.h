// SPDX-License-Identifier: MIT
// signals - signals as a forking server sees them: a pending one is a single
// bit, so signals merge.
#pragma once

#include <signal.h>

int modelled_sigaction(int signo, const struct sigaction *action,
                       struct sigaction *before);
int modelled_sigprocmask(int how, const sigset_t *set, sigset_t *before);

// Checks that signals are set up as serve_signals() promises.
void check_dispositions(void);

inline unsigned signal_bit(int signo) {
    return 1U << signo;
}

// The bits of the signals in SET.
unsigned signals_in(const sigset_t *set);

// Sends SIGNO, which is handled at once unless blocked.
void raise_signal(int signo);

// Handles pending signals that are not in BLOCKED; returns whether any were.
bool deliver_signals(unsigned blocked);
