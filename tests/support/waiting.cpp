// SPDX-License-Identifier: MIT
// waiting - for a condition, with a deadline.
#include <chrono>
#include <thread>

#include "support/waiting.h"

bool eventually(const std::function<bool()> &condition) {
    auto deadline = std::chrono::steady_clock::now() +
                    std::chrono::seconds(deadline_seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}
