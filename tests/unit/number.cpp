// SPDX-License-Identifier: MIT
#include <cerrno>
#include <climits>
#include <doctest/doctest.h>
#include <initializer_list>
#include <string>

#include "common/number.h"

static bool refused(const char *text, long low, long high, int reason) {
    long value = -7;
    errno = 0;
    return parse_number(text, low, high, &value) == -1 && errno == reason &&
           value == -7;
}

static long parsed(const char *text, long low, long high) {
    long value = -7;
    CHECK(parse_number(text, low, high, &value) == 0);
    return value;
}

TEST_CASE("digits in range are read") {
    CHECK(parsed("0", 0, 65535) == 0);
    CHECK(parsed("7777", 0, 65535) == 7777);
    CHECK(parsed("65535", 0, 65535) == 65535);
    CHECK(parsed("007", 1, 9) == 7);
    std::string highest = std::to_string(LONG_MAX);
    CHECK(parsed(highest.c_str(), 0, LONG_MAX) == LONG_MAX);
}

TEST_CASE("what is no number is refused as such") {
    for (const char *text : {"", "-1", "+80", " 80", "80 ", "80x", "0x50",
                             "8e1", "\t1", "1\n", "99999999999999999999x"})
        CHECK_MESSAGE(refused(text, 0, 65535, EINVAL), std::string(text));
    CHECK(refused(nullptr, 0, 65535, EINVAL));
}

TEST_CASE("what is out of range is refused as such") {
    CHECK(refused("65536", 0, 65535, ERANGE));
    CHECK(refused("0", 1, 65535, ERANGE));
    CHECK(refused("99999", 0, 65535, ERANGE));
    CHECK(refused("18446744073709551616", 0, 65535, ERANGE)); // 2^64
    std::string too_high = std::to_string(LONG_MAX + 1UL);
    CHECK(refused(too_high.c_str(), 0, LONG_MAX, ERANGE));
    CHECK(refused("9223372036854775808000000000000", 0, LONG_MAX, ERANGE));
    CHECK(refused("5", 0, 4, ERANGE));
}
