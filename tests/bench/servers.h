// SPDX-License-Identifier: MIT
// servers - the servers measured: the project's own and installed peers by
// others; and what they share with clients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/proc.h"
#include "support/process.h"

struct Contestant {
    std::string name;
    // The first is a path, empty if it is not installed. The word PORT stands
    // for the port; the project's own choose and announce theirs.
    std::vector<std::string> words;
    bool own;
    bool installed() const {
        return !words[0].empty();
    }
};

// The words of CONTESTANT for PORT.
std::vector<std::string> words_at(const Contestant &contestant, int port);
// " Not installed: " and the names of these; "" if all are installed.
std::string not_installed(const std::vector<Contestant> &contestants);

// echo_mpserv is first, the floor second; peers follow the project's own.
std::vector<Contestant> all_contestants();

// One of them, listening on a free port for the lifetime of this object.
struct Running {
    std::unique_ptr<Process> process; // null: it could not be made to listen
    int port = 0;
    Descriptors held; // when it began to listen; the project's own only
};
// MORE: options beyond its own.
Running start_contestant(const Contestant &contestant,
                         const std::vector<std::string> &more);

// Terminates one of the project's own, whose clients are gone, and fails the
// test if it has left a child, dead or alive, or a descriptor that it did not
// hold at first.
void end_without_leftovers(const Contestant &contestant, Running &running);

// What main ends with: no argument may be left in ARGV from optind on.
int run_comparison(const char *usage, int argc, char **argv);
