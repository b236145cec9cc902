// SPDX-License-Identifier: MIT
// signal - the kernel calls a handler when a signal is delivered, and a sleep
// ends early. As in the book, handlers are installed by signal(2): in glibc
// they stay installed and interrupted calls restart; with sigaction(2) the
// program chooses. The handlers do not print, because printing is not
// async-signal-safe (signal-safety(7)).
// `signal 1 5`: alarm after 1 second, sleeps of 5.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

static unsigned alarm_seconds;
static volatile sig_atomic_t alarm_came, interrupt_came;

// Sets the next alarm here, not after the sleep: if this one comes just before
// a sleep, and so does not interrupt it, the next one does.
static void note_alarm(int) {
    alarm_came = 1;
    (void)alarm(alarm_seconds);
}

static void note_interrupt(int) {
    interrupt_came = 1;
}

int main(int argc, char **argv) {
    struct demo_number times[] = {{"alarm-seconds", 1, 2},
                                  {"sleep-seconds", 0, 100}};
    begin_demonstration("usage: signal [alarm-seconds [sleep-seconds]]", argc,
                        argv, times, 2);
    alarm_seconds = times[0].value;

    if (signal(SIGALRM, note_alarm) == SIG_ERR ||
        signal(SIGINT, note_interrupt) == SIG_ERR)
        die("signal");
    (void)alarm(alarm_seconds); // replaces one set before exec(3)
    for (int i = 0; i < 3; i++) {
        say("wait...");
        (void)sleep(times[1].value); // a signal interrupts it
        if (alarm_came) {
            alarm_came = 0; // before printing: another may be delivered
            say("Time out!");
        }
        if (interrupt_came) {
            interrupt_came = 0;
            say("CTRL+C pressed");
        }
    }
    return EXIT_SUCCESS;
}
