// SPDX-License-Identifier: MIT
// command_lines - command lines as the programs read them, in a modelled
// process. The lines of a payload are the words. Oracles: the values are those
// of a naive reader, or the process ends with its status; help is the usage on
// standard output; a complaint is one write that begins with the program, names
// the word, and ends with the usage; no more is written; and who cannot write
// still ends.
#pragma once

#include "input.h"

// That of a demonstration with up to three numbers: read_demo_numbers().
void check_demo_line(struct fuzz_input *input);

// That of a server: argument_family(), argument_number(), die_bad_option().
void check_server_line(struct fuzz_input *input);
