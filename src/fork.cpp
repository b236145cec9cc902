// SPDX-License-Identifier: MIT
// fork - a fork copies the process: from then on each side has variables of
// its own, global and local, and changes nothing in the other's. The parent
// prints last, when all that the child did is done, and still sees its own.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/reap.h"

constexpr char usage[] = "usage: fork";

static int global = 10;

static void wait_for_child(pid_t pid) {
    int status = 0;
    if (waitpid(pid, &status, 0) == -1)
        die("waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return;
    die_of_child(pid, status);
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    read_demo_numbers(usage, argc, argv, nullptr, 0);
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
        _exit(EXIT_SUCCESS); // never return: that would be a second parent
    default:
        global -= 2;
        local -= 2;
        wait_for_child(pid);
        say("Parent Proc: [%d, %d]", global, local);
    }
    return EXIT_SUCCESS;
}
