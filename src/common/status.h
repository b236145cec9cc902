// SPDX-License-Identifier: MIT
// status - wait statuses in words.
#pragma once

#include <stddef.h>

constexpr size_t status_text_size = 32;

// Describes wait status STATUS (wait(2)): "exited 3", "killed by signal 9".
void describe_status(int status, char text[status_text_size]);
