// SPDX-License-Identifier: MIT
// process_model - a modelled process: what the code under test writes to
// standard output and error, and the status that it ends with. Its own oracle:
// no stream is written to twice, for one message is one write(2).
#pragma once

#include <stddef.h>

constexpr int goes_on = -1; // in place of an exit status

struct written {
    bool closed; // what is written fails
    size_t size;
    char text[4096]; // terminated
};

struct process_model {
    struct written output, errors;
    int status; // that it ended with; or goes_on, if the code came back
};

// Runs CODE with CONTEXT as *PROCESS, whose CLOSED the caller has set. A code
// that ends the process is left where it stands, without its clean-up.
void run_process(struct process_model *process, void (*code)(void *context),
                 void *context);
