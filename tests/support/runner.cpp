// SPDX-License-Identifier: MIT
// runner - doctest's own code, compiled once for every test program.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
