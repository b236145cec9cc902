// SPDX-License-Identifier: MIT
// require - doctest's REQUIRE and CHECK. In a program built with
// WITHOUT_DOCTEST, which is not a test, they throw an exception instead.
#pragma once

#ifndef WITHOUT_DOCTEST
#include <doctest/doctest.h>
#else
#include <sstream>
#include <stdexcept>

template <typename... Words>
void require_that(bool holds, const char *condition, const Words &...words) {
    if (holds)
        return;
    std::ostringstream message;
    message << condition << " does not hold";
    ((message << words), ...);
    throw std::runtime_error(message.str());
}
#define REQUIRE(condition) require_that((condition), #condition)
#define REQUIRE_MESSAGE(condition, ...)                                        \
    require_that((condition), #condition, ": ", __VA_ARGS__)
#define CHECK(condition) REQUIRE(condition)
#endif
