// SPDX-License-Identifier: MIT
// reasons - the C library's error messages.
#pragma once

#include <string>

// The text of strerror(3) for ERROR, or of gai_strerror(3) for an error of
// getaddrinfo(3), which is negative. Where the programs under test use a
// different C library from the test, ECHO_MP_REASON names a program built with
// theirs that prints it: tests/support/reason.cpp.
std::string reason_of(int error);
