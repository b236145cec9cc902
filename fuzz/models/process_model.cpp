// SPDX-License-Identifier: MIT
// process_model - a modelled process.
#include <errno.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "kernel/calls.h"
#include "models/process_model.h"

static struct process_model *running;
static jmp_buf before;

static ssize_t modelled_write(int fd, const void *buffer, size_t size) {
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    struct written *to =
        fd == STDOUT_FILENO ? &running->output : &running->errors;
    if (to->closed) {
        errno = EPIPE;
        return -1;
    }
    must(to->size == 0 && size < sizeof to->text);
    memcpy(to->text, buffer, size);
    to->text[size] = '\0';
    to->size = size;
    return static_cast<ssize_t>(size);
}

[[noreturn]] static void modelled_exit(int status) {
    running->status = status;
    longjmp(before, 1);
}

static void begin_writing(struct written *to) {
    to->size = 0;
    to->text[0] = '\0';
}

void run_process(struct process_model *process, void (*code)(void *context),
                 void *context) {
    static const struct modelled_calls calls = {
        .exit_process = modelled_exit,
        .write = modelled_write,
    };
    process->status = goes_on;
    begin_writing(&process->output);
    begin_writing(&process->errors);
    running = process;
    answer_by(&calls);
    if (setjmp(before) == 0)
        code(context);
    answer_by(nullptr);
}
