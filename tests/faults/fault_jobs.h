// SPDX-License-Identifier: MIT
// fault_jobs - from the rows of a fault matrix to scenarios, each run in a
// process of its own, several at once, and counted.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "faults/sessions.h"

// A session, with the words that start its program and what that prints.
struct Subject {
    const char *name;
    Outcome (*session)(const Scenario &);
    const char *words;
    const char *shows = "";
    bool in_any_order = false; // the lines of SHOWS are sorted
    int leaves = 0;            // zombies, on purpose
    bool calls_fail = true;    // else only signals come, and a row or two
};

enum class Times { once, for_ever, both };

struct Row {
    const char *subject; // "demo" for each demonstration, "client" for both
                         // sessions of the client
    Target target;
    const char *calls;  // "*": every one that the session makes; "NAME?" where
                        // not every build makes it
    const char *faults; // errno values, signals, "0" for that result, or
                        // "late": the call returns long after it was made
    Times times;
    Reaction reaction;
    const char *says; // what the message holds
};

struct Matrix {
    std::span<const Subject> subjects;
    std::span<const Row> rows;
    std::map<std::string, const char *> never_fails; // call to reason
};

// A fault that the server with MISTAKE, of tests/mutants/, must not come
// through: the invariant that it breaks.
struct Control {
    const char *mistake;
    Target target;
    Fault fault;
    Reaction reaction;
    Invariant broken;
};

enum class Sweep {
    quick,     // the first use of each call; for ever with the first fault only
    all,       // every use that a run without a fault shows
    uncounted, // quick, and calls without a row may be: where coverage is
               // measured the counters are written by some
};

// Prints what there is to run, and what must hold after it.
void list_matrix(const Matrix &matrix, std::span<const Control> controls);

// Runs a scenario for each row, call, fault and use of the call; of them those
// whose names hold one of WORDS, or none of those that begin with -; all if
// there are none. Prints each that broke
// something, and the totals. Returns whether all was well, and every call that
// a session makes had its row.
bool run_matrix(const Matrix &matrix, Sweep sweep,
                const std::vector<std::string> &words);

// Prints what each breaks. Returns whether all were rejected.
bool run_controls(std::span<const Control> controls);
