// SPDX-License-Identifier: MIT
// main - doctest's own main function, compiled once for every test program.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
