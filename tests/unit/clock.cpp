// SPDX-License-Identifier: MIT
#include <ctime>
#include <doctest/doctest.h>

#include "common/clock.h"

// Milliseconds of CLOCK_MONOTONIC, computed differently.
static int64_t reference() {
    struct timespec now = {};
    REQUIRE(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (now.tv_sec * 1000000000LL + now.tv_nsec) / 1000000;
}

TEST_CASE("the clock is the monotonic one, in milliseconds") {
    for (int i = 0; i < 1000; i++) {
        int64_t before = reference();
        int64_t now = now_ms();
        int64_t after = reference();
        CHECK(before <= now);
        CHECK(now <= after);
    }
}
