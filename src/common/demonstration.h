// SPDX-License-Identifier: MIT
// demonstration - what the chapter's small programs share.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// An optional number on the command line.
struct demo_number {
    const char *name;
    unsigned low;
    unsigned value; // the default, until the command line sets another
};

// The first call of a demonstration. Calls reset_inherited() and reads the
// command line: at most COUNT numbers, in the order of NUMBERS, each from its
// low to most_seconds. -h and --help print USAGE and exit with 0; an invalid
// argument ends in die_usage().
void begin_demonstration(const char *usage, int argc, char **argv,
                         struct demo_number *numbers, int count);

// Calls die() for child PID, whose wait status STATUS is not the expected one.
[[noreturn]] void die_of_child(pid_t pid, int status);

// In a child: asks for SIGKILL when its parent terminates, so that interrupting
// a demonstration leaves no child behind. PARENT is the parent's process ID,
// taken before the fork. On failure calls die().
void die_with_parent(pid_t parent);

// Writes the state of process PID, as proc(5) and ps(1) show it, into TEXT:
// "Z (zombie)". On failure calls die().
constexpr size_t state_text_size = 32;
void read_state(pid_t pid, char text[state_text_size]);
