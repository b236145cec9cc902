// SPDX-License-Identifier: MIT
// fork - after fork(2) the parent and the child each have their own copy of
// every variable, global or local: neither sees what the other changes. The
// parent waits, so that its line comes last.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

static int global = 10;

int main(int argc, char **argv) {
    begin_demonstration("usage: fork", argc, argv, nullptr, 0);
    int local = 20;
    global++;
    local += 5;

    pid_t pid = fork();
    switch (pid) {
    case -1:
        die("fork");
    case 0:
        global += 2;
        local += 2;
        say("Child Proc: [%d, %d]", global, local);
        _exit(EXIT_SUCCESS); // exit(3) would run the parent's exit handlers
    default:
        global -= 2;
        local -= 2;
    }

    int status = 0;
    if (waitpid(pid, &status, 0) == -1)
        die("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        die_of_child(pid, status);
    say("Parent Proc: [%d, %d]", global, local);
    return EXIT_SUCCESS;
}
