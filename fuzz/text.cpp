// SPDX-License-Identifier: MIT
// text - a line put together without printf(3).
#include <string.h>

#include "input.h"
#include "text.h"

static void add_byte(struct text *text, char byte) {
    must(text->size < sizeof text->bytes);
    text->bytes[text->size++] = byte;
}

void add(struct text *text, const char *words) {
    for (const char *p = words; *p != '\0'; p++)
        add_byte(text, *p);
}

void add_number(struct text *text, long number) {
    must(number >= 0);
    if (number >= 10)
        add_number(text, number / 10);
    add_byte(text, static_cast<char>('0' + number % 10));
}

bool is_text(const struct text *text, const char *bytes, size_t size) {
    return text->size == size && memcmp(text->bytes, bytes, size) == 0;
}
