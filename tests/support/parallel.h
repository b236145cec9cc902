// SPDX-License-Identifier: MIT
// parallel - runs several functions that mostly wait at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

// For the I-th body: whether it completed, and what it printed.
using Take = std::function<void(size_t i, bool well, const std::string &text)>;

// Runs each of BODIES, which must have deadlines of their own, in a process and
// a network of its own, AT_ONCE of them at a time, and passes each result to
// TAKE.
void run_in_parallel(const std::vector<std::function<void()>> &bodies,
                     size_t at_once, const Take &take);
