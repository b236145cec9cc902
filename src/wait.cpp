// SPDX-License-Identifier: MIT
// wait - two children exit with statuses 3 and 7. wait(2) blocks until any
// child terminates, returns its ID and status, and leaves no zombie: `ps` shows
// none while the parent stays. `wait 2`: the parent stays for 2 seconds.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

static pid_t start_child(int status) {
    pid_t pid = fork();
    if (pid == -1)
        die("fork");
    if (pid == 0)
        _exit(status);
    say("Child PID: %d", pid);
    return pid;
}

int main(int argc, char **argv) {
    struct demo_number stay = {"seconds", 0, 30};
    begin_demonstration("usage: wait [seconds]", argc, argv, &stay, 1);
    pid_t one = start_child(3), two = start_child(7);

    int first = -1, second = -1; // no wait status is negative
    while (first == -1 || second == -1) {
        int status = 0;
        pid_t ended = wait(&status); // perhaps one inherited over exec(3)
        if (ended == -1)
            die("wait");
        if (ended == one)
            first = status;
        if (ended == two)
            second = status;
    }
    if (!WIFEXITED(first))
        die_of_child(one, first);
    say("Child send one: %d", WEXITSTATUS(first));
    if (!WIFEXITED(second))
        die_of_child(two, second);
    say("Child send two: %d", WEXITSTATUS(second));
    (void)sleep(stay.value); // not interrupted: no signal is handled here
    return EXIT_SUCCESS;
}
