// SPDX-License-Identifier: MIT
// status - in words, how a child has ended.
#pragma once

#include <stddef.h>

constexpr size_t status_text_size = 32;

// Writes how the child with wait status STATUS (wait(2)) ended: "exited 3",
// "killed by signal 9".
void describe_status(int status, char text[status_text_size]);
