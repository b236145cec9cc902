// SPDX-License-Identifier: MIT
// waiting - for a condition, with a deadline. A wait never relies on a fixed
// sleep: it ends when its condition holds, or fails the test.
#pragma once

#include <functional>

#include "support/machine.h"

// Long enough for a busy machine and a sanitizer; only a failing test waits it
// out. A program that is not a test sets its own.
inline int deadline_seconds = under_valgrind() ? 120 : 40;

// Polls CONDITION until it holds; false at the deadline, which is counted in
// short sleeps of this process: while the machine stalls, so does the count.
bool eventually(const std::function<bool()> &condition);
