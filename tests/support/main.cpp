// SPDX-License-Identifier: MIT
// main - for every test program without a main function of its own.
#include <doctest/doctest.h>

#include "support/machine.h"
#include "support/network.h"

int main(int argc, char **argv) {
    prepare_test();
    print_missing();
    (void)enter_own_network();
    return doctest::Context(argc, argv).run();
}
