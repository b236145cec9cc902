// SPDX-License-Identifier: MIT
// waitpid - with WNOHANG, waitpid(2) does not block: it returns 0 while the
// child runs, and the parent is free until it polls again. `waitpid 2 1`: the
// child runs for 2 seconds, the parent polls every second.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

int main(int argc, char **argv) {
    struct demo_number times[] = {{"child-seconds", 0, 15},
                                  {"poll-seconds", 1, 3}};
    begin_demonstration("usage: waitpid [child-seconds [poll-seconds]]", argc,
                        argv, times, 2);

    pid_t parent = getpid();
    pid_t pid = fork();
    switch (pid) {
    case -1:
        die("fork");
    case 0:
        die_with_parent(parent);
        (void)sleep(times[0].value); // not interrupted
        _exit(24);
    }

    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
        (void)sleep(times[1].value);
        say("sleep %usec.", times[1].value);
    }
    if (ended == -1)
        die("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) == exit_failed)
        die_of_child(pid, status);
    say("Child send %d", WEXITSTATUS(status));
    return EXIT_SUCCESS;
}
