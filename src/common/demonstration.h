// SPDX-License-Identifier: MIT
// demonstration - what the chapter's small programs share and are not about.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// An optional number of the command line.
struct demo_number {
    const char *name;
    unsigned low;
    unsigned value; // the default, until the command line has another
};

// The first call of a demonstration. Puts in order what it inherits
// (reset_inherited()), and reads its command line: at most COUNT numbers, from
// their lows to most_seconds, in the order of NUMBERS; -h or --help says USAGE
// and exits 0. Wrong words end the program by die_usage().
void begin_demonstration(const char *usage, int argc, char **argv,
                         struct demo_number *numbers, int count);

// For a child PID that has not done what it was to do: die(), saying by its
// wait status STATUS how it ended.
[[noreturn]] void die_of_child(pid_t pid, int status);

// In a child: has it end by SIGKILL when its parent ends (end_with_parent()),
// so that nothing is left when somebody ends the parent. PARENT is the parent's
// pid before the fork. Or die()s.
void die_with_parent(pid_t parent);

// Writes the state of process PID, as proc(5) has it and ps(1) shows it, into
// TEXT: "Z (zombie)". Or die()s naming what it could not read.
constexpr size_t state_text_size = 32;
void read_state(pid_t pid, char text[state_text_size]);
