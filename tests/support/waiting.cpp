// SPDX-License-Identifier: MIT
// waiting - for a condition, with a deadline.
#include <algorithm>
#include <chrono>
#include <thread>

#include "support/waiting.h"

bool eventually(const std::function<bool()> &condition) {
    using namespace std::chrono;
    milliseconds waited(0);
    while (!condition()) {
        if (waited > seconds(deadline_seconds))
            return false;
        // The longer it takes, the more rarely it is asked.
        auto nap = std::clamp(waited / 16, milliseconds(1), milliseconds(20));
        std::this_thread::sleep_for(nap);
        waited += nap;
    }
    return true;
}
