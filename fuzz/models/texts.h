// SPDX-License-Identifier: MIT
// texts - an input's payload as text.
#pragma once

#include "input.h"

// The payload until its first null byte, once or several times in a row, as a
// control byte says. In memory of its own, until the next call.
char *payload_text(struct fuzz_input *input);

// A copy of TEXT in a heap block of its exact size, so that reading past its
// end is seen; the caller's to free.
char *exact_copy(const char *text);
