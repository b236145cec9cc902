// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "input.h"

void report_broken_rule(const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: this rule is broken\n", file, line);
    __builtin_trap();
}
