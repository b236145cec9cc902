// SPDX-License-Identifier: MIT
// number - a word of the command line or the environment as a number.
#pragma once

// Reads TEXT, decimal digits and nothing else (no sign, blank, prefix or
// tail), as a number from LOW to HIGH, with 0 <= LOW, into *VALUE. Returns 0;
// or -1, *VALUE untouched, with errno
//   EINVAL  TEXT is null, empty or holds a byte that is no digit
//   ERANGE  it is a number, but not one from LOW to HIGH, however long
// Unlike strtol(3) it takes no leading blank or sign, and unlike atoi(3) it
// takes nothing that it cannot represent.
int parse_number(const char *text, long low, long high, long *value);
