// SPDX-License-Identifier: MIT
// waiting - for a condition, with a deadline. Nothing here sleeps and hopes: a
// wait ends when its condition holds, or fails the test.
#pragma once

#include <functional>

#include "support/machine.h"

// Long enough for a busy machine and a sanitizer; nothing waits it out but a
// test that fails. A program that is no test sets its own.
inline int deadline_seconds = under_valgrind() ? 120 : 40;

// Asks CONDITION again and again until it holds; false at the deadline.
bool eventually(const std::function<bool()> &condition);
