// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <string.h>
#include <sys/socket.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/number.h"

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
        die_usage(usage, "-4 and -6 are mutually exclusive");
    return family;
}

// Whether RESULT, '?' or ':', is about a long option: the word before optind. A
// short option in LETTERS never yields '?', and yields ':' only if it ends the
// last word, which then does not begin with "--".
static bool long_option_is_wrong(int result, const char *letters, char **argv) {
    if (result != '?' && result != ':')
        return false;
    const char *word = argv[optind - 1];
    // musl steps past the end if the last word lacks its argument.
    if (word == nullptr)
        return false;
    // '--=' abbreviates a name to nothing: the letter in optopt says more.
    if (strncmp(word, "--", 2) != 0 || word[2] == '=')
        return false;
    return result == ':' || (optopt != ':' && strchr(letters, optopt));
}

int next_option(int argc, char **argv, const char *letters,
                const struct option *long_options) {
    int result = getopt_long(argc, argv, letters, long_options, nullptr);
    if (long_option_is_wrong(result, letters, argv))
        optopt = 0; // as for an unknown option, whose word is named
    return result;
}

void die_bad_option(const char *usage, int result, char **argv) {
    const char *wrong =
        result == ':' ? "needs an argument" : "is unknown or takes no argument";
    // optopt is 0 for a long option.
    if (optopt == 0)
        die_usage(usage, "option '%s' %s", argv[optind - 1], wrong);
    die_usage(usage, "option '-%c' %s", optopt, wrong);
}
