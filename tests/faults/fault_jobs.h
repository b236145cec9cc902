// SPDX-License-Identifier: MIT
// fault_jobs - turns the rows of a fault matrix into scenarios; runs each in
// its own process, several at once, and counts them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "faults/sessions.h"

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
    const char *says = ""; // what the message contains
};

struct Matrix {
    std::span<const Subject> subjects;
    std::span<const Row> rows;
    std::map<std::string, const char *> never_fails; // call to reason
};

// The server with MISTAKE, of tests/mutants/, must break this invariant under
// the fault.
struct Control {
    const char *mistake;
    Invariant broken;
    Fault fault = {};
    Reaction reaction = Reaction::carries_on;
    Target target = Target::parent;
};

// Prints what can be run and what must hold after it.
void list_matrix(const Matrix &matrix, std::span<const Control> controls);

// Runs a scenario for each row, call, fault and use of the call; or, unless
// EVERY_USE, for the first use only, and only the first fault for ever. Of
// these only those whose names contain one of WORDS, if any does not begin with
// -, and none of those that begin with -. Prints each that broke something, and
// statistics. Returns whether nothing was broken. Without WORDS also whether
// every call that a session makes had its row, and every row its call.
bool run_matrix(const Matrix &matrix, bool every_use,
                const std::vector<std::string> &words);

// Prints what each breaks. Returns whether every one was rejected.
bool run_controls(std::span<const Control> controls);
