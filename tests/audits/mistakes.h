// SPDX-License-Identifier: MIT
// mistakes - the mistakes of a program that is wrong on purpose, by name: one
// list makes both the values, `enum Mistake { MISTAKES }`, and their names,
// `NAMES_OF(MISTAKES)`.
#pragma once

#include <sstream>
#include <string>

#define TEXT_OF(...) #__VA_ARGS__
#define NAMES_OF(list) TEXT_OF(list)

// The value of NAME, which stands in NAMES; -1 where it does not.
inline int value_of(const std::string &name, const char *names) {
    std::istringstream list(names);
    std::string each;
    for (int i = 0; list >> each; i++) {
        if (each.ends_with(','))
            each.pop_back();
        if (each == name)
            return i;
    }
    return -1;
}
