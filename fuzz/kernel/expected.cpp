// SPDX-License-Identifier: MIT
#include <string.h>

#include "input.h"
#include "kernel/expected.h"

static void add_byte(struct expected_line *line, char byte) {
    must(line->size < sizeof line->bytes);
    line->bytes[line->size++] = byte;
}

void add(struct expected_line *line, const char *words) {
    for (const char *p = words; *p != '\0'; p++)
        add_byte(line, *p);
}

void add_number(struct expected_line *line, long number) {
    must(number >= 0);
    if (number >= 10)
        add_number(line, number / 10);
    add_byte(line, static_cast<char>('0' + number % 10));
}

bool is_line(const struct expected_line *line, const char *bytes, size_t size) {
    return line->size == size && memcmp(line->bytes, bytes, size) == 0;
}
