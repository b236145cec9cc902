// SPDX-License-Identifier: MIT
// signal - the kernel calls a function when a signal comes, and a sleeping
// process wakes up for it. The one program here that registers by signal(2),
// as the book introduces it; sigaction.cpp does it the dependable way. The
// handlers only note the signal: printing is not async-signal-safe
// (signal-safety(7)). `signal 1 5`: alarm after 1 second, sleeps of 5.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/signals.h"

constexpr char usage[] = "usage: signal [alarm-seconds [sleep-seconds]]";
constexpr int rounds = 3;

static volatile sig_atomic_t alarm_came, interrupt_came;

static void note_alarm(int) {
    alarm_came = 1;
}

static void note_interrupt(int) {
    interrupt_came = 1;
}

static void show_signals(unsigned alarm_seconds) {
    if (alarm_came) {
        alarm_came = 0;
        say("Time out!");
        (void)alarm(alarm_seconds); // the one before is over: nothing is left
    }
    if (interrupt_came) {
        interrupt_came = 0;
        say("CTRL+C pressed");
    }
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    struct demo_number times[] = {{"alarm-seconds", 1, 2},
                                  {"sleep-seconds", 0, 100}};
    read_demo_numbers(usage, argc, argv, times, 2);
    // Let in by wait_for() alone: one that comes just before the sleep still
    // cuts it short, where sleep(3) would sleep on.
    if (block_signal(SIGALRM) == -1 || block_signal(SIGINT) == -1)
        die("sigprocmask");
    if (signal(SIGALRM, note_alarm) == SIG_ERR ||
        signal(SIGINT, note_interrupt) == SIG_ERR)
        die("signal");
    unsigned alarm_seconds = static_cast<unsigned>(times[0].value);
    (void)alarm(alarm_seconds); // none was set before
    for (int i = 0; i < rounds; i++) {
        say("wait...");
        if (wait_for(-1, times[1].value * 1000) == -1 && !alarm_came &&
            !interrupt_came)
            die("ppoll");
        show_signals(alarm_seconds);
    }
    return EXIT_SUCCESS;
}
