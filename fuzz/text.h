// SPDX-License-Identifier: MIT
// text - a line put together without printf(3), which makes the lines that it
// is compared with, and which takes long where a sanitizer looks on.
#pragma once

#include <stddef.h>

struct text {
    size_t size;
    char bytes[256];
};

// Adds WORDS, or NUMBER in decimal, to *TEXT, where there must be room.
void add(struct text *text, const char *words);
void add_number(struct text *text, long number);

// Whether TEXT is just the SIZE bytes at BYTES.
bool is_text(const struct text *text, const char *bytes, size_t size);
