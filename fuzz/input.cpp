// SPDX-License-Identifier: MIT
// input - what a fuzz target reads of its input, and how it reports.
#include <stdio.h>

#include "input.h"

void report_broken_rule(const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: this rule is broken\n", file, line);
    __builtin_trap();
}
