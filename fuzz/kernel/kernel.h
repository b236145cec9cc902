// SPDX-License-Identifier: MIT
// kernel - a model of the kernel as a forking server sees it: descriptors,
// clients in the backlog, children, signals and time. The input says what
// happens and which calls fail. Before it answers, each call checks that a
// server which obeys serve.h and the manual pages may make it now. Each line
// that the server prints is checked too.
#pragma once

#include "input.h"
#include "kernel/calls.h"

// The calls that kernel.cpp answers; for answer_by().
extern const struct modelled_calls kernel_calls;

// Resets the kernel, with the settings of a run as INPUT says.
void boot(struct fuzz_input *input);

// Checks the final state, after serve() has returned RESULT.
void check_end(int result);
