// SPDX-License-Identifier: MIT
// waitpid - with WNOHANG the parent does not block: it asks, hears 0 while the
// child lives, and has its hands free until it asks again. `waitpid 2 1`: the
// child takes 2 seconds, the parent asks every second.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/reap.h"
#include "common/signals.h"

constexpr char usage[] = "usage: waitpid [child-seconds [poll-seconds]]";
constexpr int child_status = 24;

[[noreturn]] static void child(pid_t parent, int seconds) {
    if (end_with_parent(parent) == -1)
        die("the parent");
    (void)sleep(static_cast<unsigned>(seconds)); // no handler: whole
    _exit(child_status);
}

static void poll_child(pid_t pid, int seconds) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
        (void)sleep(static_cast<unsigned>(seconds)); // no handler: whole
        say("sleep %dsec.", seconds);
    }
    if (ended == -1) // an error is no child
        die("waitpid");
    if (WIFEXITED(status)) {
        say("Child send %d", WEXITSTATUS(status));
        if (WEXITSTATUS(status) == child_status)
            return;
    }
    die_of_child(pid, status);
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    struct demo_number times[] = {{"child-seconds", 0, 15},
                                  {"poll-seconds", 1, 3}};
    read_demo_numbers(usage, argc, argv, times, 2);
    pid_t parent = getpid();
    pid_t pid = fork();
    switch (pid) {
    case -1:
        die("fork");
    case 0:
        child(parent, times[0].value);
    default:
        poll_child(pid, times[1].value);
    }
    return EXIT_SUCCESS;
}
