// SPDX-License-Identifier: MIT
// waiting - for a condition, with a deadline.
#include <algorithm>
#include <chrono>
#include <thread>

#include "support/waiting.h"

bool eventually(const std::function<bool()> &condition) {
    using namespace std::chrono;
    auto start = steady_clock::now();
    while (!condition()) {
        auto waited = steady_clock::now() - start;
        if (waited > seconds(deadline_seconds))
            return false;
        // The longer it takes, the more rarely it is asked.
        std::this_thread::sleep_for(std::clamp<steady_clock::duration>(
            waited / 16, milliseconds(1), milliseconds(20)));
    }
    return true;
}
