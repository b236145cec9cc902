// SPDX-License-Identifier: MIT
#include <errno.h>

#include "common/signals.h"
#include "server/events.h"

volatile sig_atomic_t child_ended, report_wanted, stop_wanted;
static volatile sig_atomic_t any_signal; // since the wait began

static void note_signal(int signo) {
    any_signal = 1;
    if (signo == SIGCHLD)
        child_ended = 1;
    else if (signo == SIGUSR1)
        report_wanted = 1;
    else
        stop_wanted = 1;
}

// Blocks SIGNO even if it stays ignored.
static int note(int signo, bool unless_ignored) {
    int ignored = signal_ignored(signo);
    if (ignored == -1 || block_signal(signo) == -1)
        return -1;
    return ignored && unless_ignored ? 0 : set_signal(signo, note_signal);
}

int serve_signals(void) {
    // After `stty tostop`, SIGTTOU would stop a server in the background.
    if (note(SIGCHLD, false) == -1 || note(SIGTERM, false) == -1 ||
        note(SIGUSR1, false) == -1 || note(SIGINT, true) == -1 ||
        note(SIGHUP, true) == -1 || block_signal(SIGQUIT) == -1 ||
        set_signal(SIGTTOU, SIG_IGN) == -1)
        return -1;
    child_ended = 0;
    report_wanted = 0;
    stop_wanted = 0;
    return 0;
}

int await_event(int listener, int milliseconds, bool deferring) {
    any_signal = 0;
    int held = deferring ? SIGCHLD : 0;
    int ready = wait_without(held, listener, milliseconds);
    return ready == -1 && errno == EINTR && any_signal ? 0 : ready;
}
