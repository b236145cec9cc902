// SPDX-License-Identifier: MIT
// kernel_signals - signals as a forking server sees them: those that are
// pending are single bits, and merge.
#include <errno.h>

#include "kernel.h"

static bool is_function(signal_handler *handler) {
    return handler != SIG_DFL && handler != SIG_IGN;
}

bool deliver_signals(unsigned blocked) {
    if ((kernel.pending & ~blocked) == 0)
        return false;
    bool any = false;
    for (int signo = 1; signo < signal_count; signo++) {
        if ((kernel.pending & ~blocked & signal_bit(signo)) == 0)
            continue;
        kernel.pending &= ~signal_bit(signo);
        must(kernel.handlers[signo] != SIG_DFL); // it would end the server
        if (signo == SIGTERM || signo == SIGINT)
            kernel.stops++;
        if (signo == SIGUSR1)
            expect_totals();
        kernel.handlers[signo](signo);
        kernel.waits_with_signals_held = 0;
        note_progress();
        any = true;
    }
    return any;
}

void raise_signal(int signo) {
    signal_handler *handler = kernel.handlers[signo];
    if (handler == SIG_IGN || (signo == SIGCHLD && handler == SIG_DFL))
        return;
    kernel.pending |= signal_bit(signo);
    (void)deliver_signals(kernel.blocked);
}

int modelled_sigaction(int signo, const struct sigaction *action,
                       struct sigaction *before) {
    must(signo > 0 && signo < signal_count && before == nullptr);
    if (--kernel.sigactions_to_failure == 0) {
        kernel.sigaction_failed = true;
        errno = EINVAL;
        return -1;
    }
    constexpr unsigned wrong =
        SA_RESTART | SA_RESETHAND | SA_NOCLDWAIT | SA_SIGINFO;
    must((static_cast<unsigned>(action->sa_flags) & wrong) == 0);
    // Else each child that stops would end a wait.
    must(signo != SIGCHLD || (action->sa_flags & SA_NOCLDSTOP) != 0);
    // Before it is blocked nothing looks for what its handler notes.
    must(!is_function(action->sa_handler) ||
         (kernel.blocked & signal_bit(signo)) != 0);
    // They are counted: one must not come in while the other is.
    if (signo == SIGTERM || signo == SIGINT)
        must(!is_function(action->sa_handler) ||
             (sigismember(&action->sa_mask, SIGTERM) == 1 &&
              sigismember(&action->sa_mask, SIGINT) == 1));
    kernel.handlers[signo] = action->sa_handler;
    kernel.handled &= ~signal_bit(signo);
    if (is_function(action->sa_handler))
        kernel.handled |= signal_bit(signo);
    return 0;
}

static unsigned signals_in(const sigset_t *set) {
    constexpr int known[] = {SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGTTOU};
    unsigned bits = 0;
    for (int signo : known)
        if (sigismember(set, signo) == 1)
            bits |= signal_bit(signo);
    return bits;
}

int modelled_sigprocmask(int how, const sigset_t *set, sigset_t *before) {
    if (before != nullptr) {
        (void)sigemptyset(before);
        for (int signo = 1; signo < signal_count; signo++)
            if ((kernel.blocked & signal_bit(signo)) != 0)
                (void)sigaddset(before, signo);
    }
    if (how == SIG_SETMASK)
        kernel.blocked = 0;
    if (how == SIG_UNBLOCK)
        kernel.blocked &= ~signals_in(set);
    else
        kernel.blocked |= signals_in(set);
    // Else the child notes what was to end it.
    must(!kernel.in_child || (kernel.handled & ~kernel.blocked) == 0);
    if (!kernel.in_child)
        (void)deliver_signals(kernel.blocked);
    return 0;
}
