// SPDX-License-Identifier: MIT
// arguments - command-line parsing that the programs share. An invalid argument
// ends the program in die_usage(), with a message that names it.
#pragma once

// The longest time that any option or argument may set, in seconds.
constexpr int most_seconds = 1000000;

// The number in TEXT, from LOW to HIGH. NAME is what a message calls it.
int argument_number(const char *usage, const char *name, const char *text,
                    int low, int high);

// The address family that OPTION, '4' or '6', selects. BEFORE is the family
// selected earlier, or AF_UNSPEC: the two options exclude each other.
int argument_family(const char *usage, int before, int option);

struct option;

// getopt_long(3), for LETTERS that begin with ':' and each have a long form.
// When a long option's argument is missing or unexpected, optopt is 0.
int next_option(int argc, char **argv, const char *letters,
                const struct option *long_options);

// Reports the option for which next_option(), with opterr 0, returned RESULT,
// '?' or ':'.
[[noreturn]] void die_bad_option(const char *usage, int result, char **argv);
