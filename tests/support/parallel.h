// SPDX-License-Identifier: MIT
// parallel - what mostly waits, several at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

// Of the I-th body: whether it came to its end, and what it has printed.
using Take = std::function<void(size_t i, bool well, const std::string &text)>;

// Runs each of BODIES in a process of its own, AT_ONCE of them at a time, and
// hands its end to TAKE.
void run_in_parallel(const std::vector<std::function<void()>> &bodies,
                     size_t at_once, const Take &take);
