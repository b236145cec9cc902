// SPDX-License-Identifier: MIT
#include <errno.h>

#include "kernel/log.h"
#include "kernel/signals.h"
#include "kernel/state.h"

// Blocked in children, and in the server except while it waits.
constexpr unsigned meant_for_the_server = 1U << SIGCHLD | 1U << SIGTERM |
                                          1U << SIGINT | 1U << SIGHUP |
                                          1U << SIGQUIT | 1U << SIGUSR1;

static bool is_function(signal_handler *handler) {
    return handler != SIG_DFL && handler != SIG_IGN;
}

static bool is_stop(int signo) {
    return signo == SIGTERM || signo == SIGINT || signo == SIGHUP;
}

// Notes what must follow from the handler of SIGNO.
static void expect_effect(int signo) {
    if (signo == SIGUSR1)
        expect_totals();
    if (is_stop(signo) && kernel.draining)
        kernel.stopped_again_at = kernel.clock;
    else if (is_stop(signo))
        begin_drain();
}

bool deliver_signals(unsigned blocked) {
    unsigned due = kernel.pending & ~blocked;
    kernel.pending &= blocked;
    for (int signo = 1; signo < signal_count; signo++) {
        if ((due & signal_bit(signo)) == 0)
            continue;
        must(kernel.handlers[signo] != SIG_DFL); // it would kill the server
        expect_effect(signo);
        kernel.handlers[signo](signo);
        note_progress();
    }
    return due != 0;
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
    must(signo > 0 && signo < signal_count);
    if (--kernel.sigactions_to_failure == 0) {
        kernel.sigaction_failed = true;
        errno = EINVAL;
        return -1;
    }
    if (action == nullptr) {
        before->sa_handler = kernel.handlers[signo];
        return 0;
    }
    must(before == nullptr);
    constexpr unsigned wrong =
        SA_RESTART | SA_RESETHAND | SA_NOCLDWAIT | SA_SIGINFO;
    must((static_cast<unsigned>(action->sa_flags) & wrong) == 0);
    // Or each child that stops would end a wait.
    must(signo != SIGCHLD || (action->sa_flags & SA_NOCLDSTOP) != 0);
    // Until the signal is blocked, nothing looks at what its handler notes.
    must(!is_function(action->sa_handler) ||
         (kernel.blocked & signal_bit(signo)) != 0);
    kernel.handlers[signo] = action->sa_handler;
    kernel.handled &= ~signal_bit(signo);
    if (is_function(action->sa_handler))
        kernel.handled |= signal_bit(signo);
    return 0;
}

unsigned signals_in(const sigset_t *set) {
    unsigned bits = 0;
    for (int signo = 1; signo < signal_count; signo++)
        if (sigismember(set, signo) == 1)
            bits |= signal_bit(signo);
    return bits;
}

void check_dispositions(void) {
    constexpr unsigned always = 1U << SIGCHLD | 1U << SIGTERM | 1U << SIGUSR1;
    constexpr unsigned unless_ignored = 1U << SIGINT | 1U << SIGHUP;
    must(kernel.handled == (always | (unless_ignored & ~kernel.ignored)));
    must(kernel.handlers[SIGTTOU] == SIG_IGN);
    must(kernel.blocked == meant_for_the_server);
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
    (void)deliver_signals(kernel.blocked);
    return 0;
}
