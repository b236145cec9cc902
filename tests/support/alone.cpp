// SPDX-License-Identifier: MIT
// alone - runs a command, such as a script, in a network of its own.
// usage: alone COMMAND [ARGUMENT...]
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "support/network.h"

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: alone command [argument...]\n");
        return 2;
    }
    (void)enter_own_network();
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return EXIT_FAILURE;
}
