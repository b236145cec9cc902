// SPDX-License-Identifier: MIT
// servers - those that are measured: the project's own, and peers that others
// have written and somebody has installed; and what they share with clients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/proc.h"
#include "support/process.h"

struct Contestant {
    std::string name;
    // The first is a path, empty where it is not installed. PORT, where it is
    // one of the words, stands for the port; the project's own announce theirs.
    std::vector<std::string> words;
    bool own;
    bool installed() const {
        return !words[0].empty();
    }
};

// The words of CONTESTANT for PORT.
std::vector<std::string> words_at(const Contestant &contestant, int port);
// " Not installed: " and their names; "" if all are.
std::string not_installed(const std::vector<Contestant> &contestants);

// echo_mpserv is the first, the floor the second; peers follow the own ones.
std::vector<Contestant> all_contestants();

// One of them, listening on a free port until its owner goes.
struct Running {
    std::unique_ptr<Process> process; // null: it could not be brought to listen
    int port = 0;
    Descriptors held; // when it began to listen; of the own ones
};
// MORE: options besides its own.
Running start_contestant(const Contestant &contestant,
                         const std::vector<std::string> &more);

// Ends an own one, whose clients are gone, and fails the test where it has left
// a child, dead or alive, or a descriptor that it did not hold at first.
void end_without_leftovers(const Contestant &contestant, Running &running);

// What main ends with: nothing may be left in ARGV, from optind on.
int run_comparison(const char *usage, int argc, char **argv);
