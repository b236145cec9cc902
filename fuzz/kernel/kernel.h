// SPDX-License-Identifier: MIT
// kernel - what a forking server sees of its kernel, modelled: descriptors,
// clients in the backlog, children, signals and the time. What happens, and
// which calls fail, the input says. Each call asks, before it answers, whether
// a server that keeps to serve.h and to the manual pages may make it now; each
// line that it prints is asked as well.
#pragma once

#include "input.h"
#include "kernel/calls.h"

// The calls as kernel.cpp answers them; for answer_by().
extern const struct modelled_calls kernel_calls;

// Makes the kernel anew, with the settings of a run, as INPUT says.
void boot(struct fuzz_input *input);

// To be called when serve() has returned RESULT: is all as it should be?
void check_end(int result);
