// SPDX-License-Identifier: MIT
// refused_signal - a sigaction(2) that fails.
#include <cerrno>
#include <csignal>

#include "refused_signal.h"

int refused_signal;

extern "C" {
int __real_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before);
int __wrap_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before);
}

int __wrap_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before) {
    if (signo != refused_signal)
        return __real_sigaction(signo, action, before);
    errno = EPERM;
    return -1;
}
