// SPDX-License-Identifier: MIT
// sigaction - the same as signal.cpp with sigaction(2), which means the same on
// every system: POSIX says what is blocked while the handler runs, whether it
// stays registered, whether interrupted calls go on. `sigaction 1 5`: alarm
// after 1 second, sleeps of 5.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/signals.h"

constexpr char usage[] = "usage: sigaction [alarm-seconds [sleep-seconds]]";
constexpr int rounds = 3;

static volatile sig_atomic_t alarm_came;

static void note_alarm(int) {
    alarm_came = 1;
}

static void register_alarm(void) {
    struct sigaction action = {};
    action.sa_handler = note_alarm;
    action.sa_flags = 0;
    if (sigemptyset(&action.sa_mask) == -1)
        die("sigemptyset");
    if (sigaction(SIGALRM, &action, nullptr) == -1)
        die("sigaction");
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    struct demo_number times[] = {{"alarm-seconds", 1, 2},
                                  {"sleep-seconds", 0, 100}};
    read_demo_numbers(usage, argc, argv, times, 2);
    // Let in by wait_for() alone: one that comes just before the sleep still
    // cuts it short, where sleep(3) would sleep on.
    if (block_signal(SIGALRM) == -1)
        die("sigprocmask");
    register_alarm();
    unsigned alarm_seconds = static_cast<unsigned>(times[0].value);
    (void)alarm(alarm_seconds); // none was set before
    for (int i = 0; i < rounds; i++) {
        say("wait...");
        if (wait_for(-1, times[1].value * 1000) == -1 && !alarm_came)
            die("ppoll");
        if (alarm_came) {
            alarm_came = 0;
            say("Time out!");
            (void)alarm(alarm_seconds); // the one before is over
        }
    }
    return EXIT_SUCCESS;
}
