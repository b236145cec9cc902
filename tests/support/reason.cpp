// SPDX-License-Identifier: MIT
// reason - prints this C library's text for an error; see reasons.h.
// usage: reason ERROR
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int error = argc == 2 ? atoi(argv[1]) : 0;
    if (error == 0) {
        fprintf(stderr, "usage: reason error\n");
        return 2;
    }
    printf("%s", error < 0 ? gai_strerror(error) : strerror(error));
    return EXIT_SUCCESS;
}
