// SPDX-License-Identifier: MIT
// zombie - a child that has terminated stays in the process table, in state Z,
// until its parent waits for it. This parent does not: the zombie lasts until
// the parent exits, and init(1) or a closer subreaper reaps it.
// `zombie 2`: the parent stays for 2 seconds.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

int main(int argc, char **argv) {
    struct demo_number stay = {"seconds", 0, 30};
    begin_demonstration("usage: zombie [seconds]", argc, argv, &stay, 1);

    pid_t pid = fork();
    switch (pid) {
    case -1:
        die("fork");
    case 0:
        say("Hi, I am a child process");
        say("End child process");
        _exit(EXIT_SUCCESS);
    }
    say("Child Process ID: %d", pid);

    // WNOWAIT waits for the child to terminate, but does not reap it.
    siginfo_t end = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOWAIT) == -1)
        die("waitid");
    if (end.si_code != CLD_EXITED || end.si_status != EXIT_SUCCESS)
        die_plain("child %d did not terminate as expected", pid);

    char state[state_text_size];
    read_state(pid, state);
    say("Child State: %s", state);
    (void)sleep(stay.value); // not interrupted: no signal is handled here
    say("End parent process");
    return EXIT_SUCCESS;
}
