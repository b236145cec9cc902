// SPDX-License-Identifier: MIT
// reap - take every child that has ended out of the process table.
#include <stdio.h>
#include <sys/wait.h>

#include "die.h"
#include "reap.h"

int reap_children(reaped_handler *reaped, void *context) {
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return pid;
        reaped(pid, status, context);
    }
}

void describe_status(int status, char text[status_text_size]) {
    if (WIFSIGNALED(status))
        (void)snprintf(text, status_text_size, "killed by signal %d",
                       WTERMSIG(status));
    else
        (void)snprintf(text, status_text_size, "exited %d",
                       WEXITSTATUS(status));
}

void die_of_child(pid_t pid, int status) {
    char text[status_text_size];
    describe_status(status, text);
    die_plain("child %d: %s", pid, text);
}
