// SPDX-License-Identifier: MIT
// events - what happens to a forking server, byte by byte of the input.
#pragma once

#include <stdint.h>

// What the next control byte says; nothing when the input is used up.
void happen(void);

// As happen(), to a server that sleeps until UNTIL, or for ever if that is
// INT64_MAX. When the input is used up, SIGTERM comes.
void happen_asleep(int64_t until);

// In what a server does before it asks the kernel, the world goes on.
void enter(void);
