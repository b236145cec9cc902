// SPDX-License-Identifier: MIT
// signals - signals as a forking server sees them: those that are pending are
// single bits, and merge.
#pragma once

#include <signal.h>

int modelled_sigaction(int signo, const struct sigaction *action,
                       struct sigaction *before);
int modelled_sigprocmask(int how, const sigset_t *set, sigset_t *before);

// All signals are handled, blocked or ignored as serve_signals() has promised.
void check_dispositions(void);

inline unsigned signal_bit(int signo) {
    return 1U << signo;
}

// SIGNO comes. It is handled at once if it is not blocked.
void raise_signal(int signo);

// Has the pending signals that are not in BLOCKED handled; were there any?
bool deliver_signals(unsigned blocked);
