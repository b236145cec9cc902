// SPDX-License-Identifier: MIT
// alone - runs a command, such as a script, in a network of its own and with
// no signal ignored: a shell cannot undo what nohup(1) did.
// usage: alone COMMAND [ARGUMENT...]
#include <csignal>
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
    for (int signo = 1; signo < SIGRTMIN; signo++)
        (void)signal(signo, SIG_DFL); // fails for SIGKILL and SIGSTOP
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return EXIT_FAILURE;
}
