// SPDX-License-Identifier: MIT
// clock - monotonic time, to measure with.
#pragma once

#include <stdint.h>

// CLOCK_MONOTONIC (clock_gettime(2)) in milliseconds; cannot fail.
int64_t now_ms(void);
