// SPDX-License-Identifier: MIT
// audits - what must hold of the programs from outside, by /proc and by what
// clients see. A new audit is a row of these tables, and the function it names.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "support/findings.h"

// A program's path and its arguments.
using Words = std::vector<std::string>;

// A mistake of tests/mutants/, by name, and all that it breaks.
struct Control {
    std::string mistake;
    std::set<Invariant> expected;
};

struct Audit {
    const char *claim;
    // What it finds in the program itself where MISTAKE is "", else in the one
    // that makes it.
    std::function<Findings(const std::string &mistake)> judge;
    std::vector<Control> controls; // that it sees these, and tells them apart
};
extern const std::vector<Audit> server_audits;
extern const std::vector<Audit> program_audits; // client and demonstrations
