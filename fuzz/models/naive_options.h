// SPDX-License-Identifier: MIT
// naive_options - a second getopt_long(3), plain and slow, for an oracle to
// compare with what the programs make of their command lines.
#pragma once

constexpr int most_words = 16;

struct naive_option {
    char letter;
    const char *name; // the long one
    bool takes_argument;
};

// A command line on its way through naive_next_option(). Its maker sets options
// and words, which stay the maker's; what follows is null and 0 at the start.
struct naive_line {
    const struct naive_option *options;
    int option_count;
    char *words[most_words]; // without the program's name
    int word_count;
    int next;             // word
    const char *cluster;  // the letters left of a word such as -ab; or null
    bool options_end;     // "--" was seen
    const char *argument; // the last option's; or null
    char letter_name[3];  // such as "-a"
    const char *named;    // what a complaint about the last option must name
    char *operands[most_words];
    int operand_count;
};

// What getopt_long(3) finds next in a command line whose option string begins
// with ':': an option's letter; ':' if it lacks its argument; '?' if it is no
// option or takes none; 0 at the end, when the operands are complete.
int naive_next_option(struct naive_line *line);
