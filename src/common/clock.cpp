// SPDX-License-Identifier: MIT
#include <time.h>

#include "common/clock.h"

int64_t now_ms(void) {
    struct timespec now = {};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // every Linux has this clock
    return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
}
