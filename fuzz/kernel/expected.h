// SPDX-License-Identifier: MIT
// expected - a line put together without printf(3), which makes the lines that
// it is compared with, and which takes long where a sanitizer looks on.
#pragma once

#include <stddef.h>

struct expected_line {
    size_t size;
    char bytes[256];
};

// Adds WORDS, or NUMBER in decimal, to *LINE, where there must be room.
void add(struct expected_line *line, const char *words);
void add_number(struct expected_line *line, long number);

// Whether LINE is just the SIZE bytes at BYTES.
bool is_line(const struct expected_line *line, const char *bytes, size_t size);
