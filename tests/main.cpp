// SPDX-License-Identifier: MIT
// main - of every test program that has no main function of its own.
#include <doctest/doctest.h>

int main(int argc, char **argv) {
    return doctest::Context(argc, argv).run();
}
