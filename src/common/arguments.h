// SPDX-License-Identifier: MIT
// arguments - what the programs share in reading their command lines. Wrong
// words end the program by die_usage(): the message names the word, status 2.
#pragma once

// The longest time that any argument may set, in seconds.
constexpr int most_seconds = 1000000;

// The number from LOW to HIGH in TEXT, the value of what NAME calls it.
int argument_number(const char *usage, const char *name, const char *text,
                    int low, int high);

// The address family of OPTION, '4' or '6'. BEFORE is that of an earlier one,
// AF_UNSPEC if none was given: the two exclude each other.
int argument_family(const char *usage, int before, int option);

struct option;

// getopt_long(3), for LETTERS that begin with ':', each with a long form; but a
// long option whose argument is missing, or is one too many, leaves optopt 0.
int next_option(int argc, char **argv, const char *letters,
                const struct option *long_options);

// After next_option(), with opterr 0, has returned RESULT, '?' or ':': names
// the option, a long one as it was given, and what it lacks.
[[noreturn]] void die_bad_option(const char *usage, int result, char **argv);
