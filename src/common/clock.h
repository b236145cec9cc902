// SPDX-License-Identifier: MIT
// clock - time to measure with, which nobody sets.
#pragma once

#include <stdint.h>

// Milliseconds since some moment before the process began; CLOCK_MONOTONIC of
// clock_gettime(2), which knows no failure here.
int64_t now_ms(void);
