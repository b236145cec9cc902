// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "common/number.h"

int parse_number(const char *text, long low, long high, long *value) {
    if (text == nullptr || *text == '\0') {
        errno = EINVAL;
        return -1;
    }
    long number = 0;
    bool too_high = false;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            errno = EINVAL;
            return -1;
        }
        int digit = *p - '0';
        if (number > (high - digit) / 10)
            too_high = true;
        if (!too_high)
            number = number * 10 + digit;
    }
    if (too_high || number < low || number > high) {
        errno = ERANGE;
        return -1;
    }
    *value = number;
    return 0;
}
