// SPDX-License-Identifier: MIT
// fault_jobs - turns the rows of a fault matrix into scenarios; runs each in
// its own process, several at once, and counts them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "faults/sessions.h"

// A session, with its program's command line and expected output.
struct Subject {
    const char *name;
    Outcome (*session)(const Scenario &);
    const char *words;
    const char *shows = "";
    bool in_any_order = false; // the lines of SHOWS are sorted
    int leaves = 0;            // zombies, deliberately
    bool calls_fail = true;    // otherwise only signals and a row or two
};

enum class Times { once, for_ever, both };

struct Row {
    const char *subject; // "demo" for each demonstration, "client" for both
                         // sessions of the client
    Target target;
    const char *calls;  // "*": every one that the session makes; "NAME?": not
                        // made in every build
    const char *faults; // errno values, signals, "0" for that result, or
                        // "late": the call returns long after it is made
    Times times;
    Reaction reaction;
    const char *says; // what the message contains
};

struct Matrix {
    std::span<const Subject> subjects;
    std::span<const Row> rows;
    std::map<std::string, const char *> never_fails; // call to reason
};

// A fault that the server with MISTAKE, of tests/mutants/, must not survive,
// and the invariant that it breaks.
struct Control {
    const char *mistake;
    Target target;
    Fault fault;
    Reaction reaction;
    Invariant broken;
};

enum class Sweep {
    quick,     // the first use of each call; only its first fault for ever
    all,       // every use that a run without a fault shows
    uncounted, // quick, but allowing calls without a row: where coverage is
               // measured, writing the counters makes some
};

// Prints what can be run and what must hold after it.
void list_matrix(const Matrix &matrix, std::span<const Control> controls);

// Runs a scenario for each row, call, fault and use of the call: those whose
// names contain one of WORDS and none of those that begin with -; all if there
// are no WORDS. Prints each that broke something, and statistics. Returns
// whether nothing was broken and every call that a session makes had its row.
bool run_matrix(const Matrix &matrix, Sweep sweep,
                const std::vector<std::string> &words);

// Prints what each breaks. Returns whether every one was rejected.
bool run_controls(std::span<const Control> controls);
