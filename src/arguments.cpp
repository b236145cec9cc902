// SPDX-License-Identifier: MIT
// arguments - what the programs share in reading their command lines.
#include <getopt.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "arguments.h"
#include "die.h"
#include "log.h"
#include "number.h"

int argument_number(const char *usage, const char *name, const char *text,
                    int low, int high) {
    long value = 0;
    if (parse_number(text, low, high, &value) == -1)
        die_usage(usage, "%s: '%s' is not a number from %d to %d", name, text,
                  low, high);
    return static_cast<int>(value);
}

int argument_family(const char *usage, int before, int option) {
    int family = option == '4' ? AF_INET : AF_INET6;
    if (before != AF_UNSPEC && before != family)
        die_usage(usage, "-4 and -6 exclude each other");
    return family;
}

void die_bad_option(const char *usage, int result, char **argv) {
    const char *wrong =
        result == ':' ? "needs an argument" : "is unknown or takes none";
    // optopt is 0 for a long option that is unknown; its word is behind us.
    if (optopt == 0)
        die_usage(usage, "option '%s' %s", argv[optind - 1], wrong);
    die_usage(usage, "option '-%c' %s", optopt, wrong);
}

void read_demo_numbers(const char *usage, int argc, char **argv,
                       struct demo_number *numbers, int count) {
    static const struct option long_options[] = {
        {"help", no_argument, nullptr, 'h'}, {nullptr, 0, nullptr, 0}};
    opterr = 0; // die_bad_option() says it
    int option = 0;
    while ((option = getopt_long(argc, argv, ":h", long_options, nullptr)) !=
           -1) {
        if (option != 'h')
            die_bad_option(usage, option, argv);
        say("%s", usage);
        exit(EXIT_SUCCESS);
    }
    if (argc - optind > count)
        die_usage(usage, "'%s' is one argument too many", argv[optind + count]);
    for (int i = 0; i < argc - optind; i++)
        numbers[i].value =
            argument_number(usage, numbers[i].name, argv[optind + i],
                            numbers[i].low, most_seconds);
}
