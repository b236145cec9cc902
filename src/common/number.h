// SPDX-License-Identifier: MIT
// number - decimal numbers in arguments and the environment.
#pragma once

// Reads TEXT, decimal digits only (no sign, blank or prefix), as a number from
// LOW to HIGH, 0 <= LOW, into *VALUE. Returns 0; or -1, *VALUE unchanged, with
// errno
//   EINVAL  TEXT is null, empty or holds a byte that is not a digit
//   ERANGE  the number, however long, is not from LOW to HIGH
int parse_number(const char *text, long low, long high, long *value);
