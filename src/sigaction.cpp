// SPDX-License-Identifier: MIT
// sigaction - like signal.cpp, without Ctrl-C, but by sigaction(2), which works
// alike on every system. Its structure holds the handler, which stays
// installed; the signals that are blocked while it runs; and flags, such as
// whether interrupted calls restart.
// `sigaction 1 5`: alarm after 1 second, sleeps of 5.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

static unsigned alarm_seconds;
static volatile sig_atomic_t alarm_came;

static void note_alarm(int) {
    alarm_came = 1;
    (void)alarm(alarm_seconds); // see signal.cpp
}

int main(int argc, char **argv) {
    struct demo_number times[] = {{"alarm-seconds", 1, 2},
                                  {"sleep-seconds", 0, 100}};
    begin_demonstration("usage: sigaction [alarm-seconds [sleep-seconds]]",
                        argc, argv, times, 2);
    alarm_seconds = times[0].value;

    struct sigaction action = {};
    action.sa_handler = note_alarm;
    (void)sigemptyset(&action.sa_mask);        // SIGALRM is blocked anyway;
    (void)sigaddset(&action.sa_mask, SIGTERM); // as an example, SIGTERM too
    action.sa_flags = SA_RESTART; // restarts read(2), but never sleep(3)
    if (sigaction(SIGALRM, &action, nullptr) == -1)
        die("sigaction");
    (void)alarm(alarm_seconds); // replaces one set before exec(3)
    for (int i = 0; i < 3; i++) {
        say("wait...");
        (void)sleep(times[1].value);
        if (alarm_came) {
            alarm_came = 0;
            say("Time out!");
        }
    }
    return EXIT_SUCCESS;
}
