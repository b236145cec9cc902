// SPDX-License-Identifier: MIT
// events - what happens to a forking server, byte by byte of the input.
#pragma once

#include <stdint.h>

// Does what the next control byte says; nothing if the input is exhausted.
void happen(void);

// As happen(), to a server that sleeps until UNTIL, INT64_MAX being for ever.
// If the input is exhausted, sends SIGTERM.
void happen_asleep(int64_t until);

// At the start of a call of the server's: things may happen before its answer.
void enter(void);
