// SPDX-License-Identifier: MIT
// remove_zombie - SIGCHLD tells the parent that a child has terminated, so that
// it can work instead of waiting. Signals merge: one SIGCHLD may stand for both
// children, so the parent reaps in a loop until none is left.
// `remove_zombie 2 1`: children of 2 seconds, five waits of 1.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/demonstration.h"
#include "common/die.h"
#include "common/log.h"

static pid_t pids[2];
static int left = 2; // not yet reaped

// Empty: being called is enough to interrupt the sleep. The main program reaps
// and prints, because printing is not async-signal-safe.
static void wake_up(int) {
}

static pid_t start_child(pid_t parent, unsigned seconds, int status) {
    pid_t pid = fork();
    if (pid == -1)
        die("fork");
    if (pid == 0) {
        die_with_parent(parent);
        say("Hi! I'm child process");
        (void)sleep(seconds); // it has no children, and so gets no SIGCHLD
        _exit(status);
    }
    say("Child proc id: %d", pid);
    return pid;
}

static void reap_children(void) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != pids[0] && pid != pids[1])
            continue; // inherited over exec(3)
        if (!WIFEXITED(status) || WEXITSTATUS(status) == exit_failed)
            die_of_child(pid, status);
        say("Removed proc id: %d", pid);
        say("Child send: %d", WEXITSTATUS(status));
        left--;
    }
    if (pid == -1 && (errno != ECHILD || left > 0))
        die("waitpid");
}

int main(int argc, char **argv) {
    struct demo_number times[] = {{"child-seconds", 0, 10},
                                  {"wait-seconds", 0, 5}};
    begin_demonstration("usage: remove_zombie [child-seconds [wait-seconds]]",
                        argc, argv, times, 2);

    struct sigaction action = {};
    action.sa_handler = wake_up;
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_NOCLDSTOP; // a stopped child has not terminated
    if (sigaction(SIGCHLD, &action, nullptr) == -1)
        die("sigaction");
    pids[0] = start_child(getpid(), times[0].value, 12);
    pids[1] = start_child(getpid(), times[0].value, 24);

    for (int i = 0; i < 5; i++) {
        say("wait...");
        // A SIGCHLD just before the sleep does not interrupt it, and its child
        // is reaped one wait later; echo_mpserv closes that gap with ppoll(2).
        (void)sleep(times[1].value);
        reap_children();
    }
    while (left > 0) { // with numbers other than the book's
        (void)sleep(1);
        reap_children();
    }
    return EXIT_SUCCESS;
}
