// SPDX-License-Identifier: MIT
// reasons - why a call failed, in the words of the C library.
#pragma once

#include <string>

// The text of strerror(3) for ERROR; of gai_strerror(3) for one of the errors
// of getaddrinfo(3), which are below 0. Where the programs under test have
// another C library than the test, ECHO_MP_REASON is a program of theirs that
// prints it: tests/support/reason.cpp.
std::string reason_of(int error);
