// SPDX-License-Identifier: MIT
// expected - a line made without printf(3), which made the line it is compared
// with, and which is slow under a sanitizer.
#pragma once

#include <stddef.h>

struct expected_line {
    size_t size;
    char bytes[256];
};

// Append WORDS, or NUMBER in decimal, to *LINE, which must have room.
void add(struct expected_line *line, const char *words);
void add_number(struct expected_line *line, long number);

// Whether LINE equals the SIZE bytes at BYTES.
bool is_line(const struct expected_line *line, const char *bytes, size_t size);
