// SPDX-License-Identifier: MIT
// reap - take every child that has ended out of the process table.
#include <stdio.h>
#include <sys/wait.h>

#include "common/die.h"
#include "common/reap.h"

int reap_child(pid_t pid, reaped_handler *reaped, void *context) {
    int status = 0;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended <= 0)
        return ended;
    reaped(ended, status, context);
    return 1;
}

int reap_children(reaped_handler *reaped, void *context) {
    int result = 0;
    do
        result = reap_child(-1, reaped, context);
    while (result == 1);
    return result;
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
