// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <sys/wait.h>

#include "common/status.h"

void describe_status(int status, char text[status_text_size]) {
    if (WIFSIGNALED(status))
        (void)snprintf(text, status_text_size, "killed by signal %d",
                       WTERMSIG(status));
    else
        (void)snprintf(text, status_text_size, "exited %d",
                       WEXITSTATUS(status));
}
