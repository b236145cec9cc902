// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include "client/ending.h"
#include "common/signals.h"

constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t sigchld_came;
volatile sig_atomic_t writer;
static_assert(sizeof(sig_atomic_t) == sizeof(pid_t));

static void note_child(int) {
    sigchld_came = 1;
}

// Does more than set a flag, because Ctrl-C must work while a write to the
// output blocks. All of its calls are async-signal-safe.
static void end_with_writer(int signo) {
    if (writer != 0) {
        (void)kill(writer, SIGKILL); // not yet reaped, so the pid is valid
        (void)waitpid(writer, nullptr, 0);
        writer = 0; // process 1 may get here twice
    }
    (void)set_signal(signo, SIG_DFL);
    (void)raise(signo);
    (void)unblock_signals(); // delivers it
    _exit(128 + signo);      // reached only as process 1
}

// Ignored signals stay ignored, as nohup(1) requires.
static int handle_ending_signals(signal_handler *handler) {
    for (int signo : ending_signals) {
        int ignored = signal_ignored(signo);
        if (ignored == -1 || (!ignored && set_signal(signo, handler) == -1))
            return -1;
    }
    return 0;
}

int catch_signals(void) {
    if (block_signal(SIGCHLD) == -1 || set_signal(SIGCHLD, note_child) == -1)
        return -1;
    return handle_ending_signals(end_with_writer);
}

int release_caught_signals(void) {
    if (handle_ending_signals(SIG_DFL) == -1 ||
        set_signal(SIGCHLD, SIG_DFL) == -1)
        return -1;
    return unblock_signals();
}

static void change_mask(int how) {
    sigset_t set;
    (void)sigemptyset(&set); // cannot fail
    for (int signo : ending_signals)
        (void)sigaddset(&set, signo);
    (void)sigprocmask(how, &set, nullptr);
}

void block_ending_signals(void) {
    change_mask(SIG_BLOCK);
}

void unblock_ending_signals(void) {
    change_mask(SIG_UNBLOCK);
}
