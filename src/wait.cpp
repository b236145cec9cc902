// SPDX-License-Identifier: MIT
// wait - two children end with statuses 3 and 7, and wait(2) collects them: it
// blocks until any child has ended, says which, and leaves no zombie behind, as
// `ps` shows while the parent stays. `wait 2` stays 2 seconds.
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/reap.h"

constexpr char usage[] = "usage: wait [seconds]";
constexpr int child_count = 2;
constexpr int sent[child_count] = {3, 7};

static pid_t start_child(int status) {
    pid_t pid = fork();
    switch (pid) {
    case -1:
        return -1;
    case 0:
        _exit(status);
    default:
        return pid;
    }
}

static void start_children(pid_t pids[child_count]) {
    for (int i = 0; i < child_count; i++) {
        pids[i] = start_child(sent[i]);
        if (pids[i] == -1) {
            int reason = errno;
            for (int j = 0; j < i; j++) // leave none of them behind
                (void)waitpid(pids[j], nullptr, 0);
            errno = reason;
            die("fork");
        }
        say("Child PID: %d", pids[i]);
    }
}

// In whatever order they end, and past any child that was here before us.
static void collect(const pid_t pids[child_count], int statuses[child_count]) {
    for (int missing = child_count; missing > 0;) {
        int status = 0;
        pid_t pid = wait(&status);
        if (pid == -1)
            die("wait");
        for (int i = 0; i < child_count; i++) {
            if (pid == pids[i]) {
                statuses[i] = status;
                missing--;
            }
        }
    }
}

static void show(const char *which, pid_t pid, int status, int expected) {
    if (WIFEXITED(status)) {
        say("Child send %s: %d", which, WEXITSTATUS(status));
        if (WEXITSTATUS(status) == expected)
            return;
    }
    die_of_child(pid, status);
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    struct demo_number stay = {"seconds", 0, 30};
    read_demo_numbers(usage, argc, argv, &stay, 1);
    pid_t pids[child_count] = {};
    int statuses[child_count] = {};
    start_children(pids);
    collect(pids, statuses);
    show("one", pids[0], statuses[0], sent[0]);
    show("two", pids[1], statuses[1], sent[1]);
    (void)sleep(static_cast<unsigned>(stay.value)); // no handler: whole
    return EXIT_SUCCESS;
}
