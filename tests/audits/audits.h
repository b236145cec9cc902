// SPDX-License-Identifier: MIT
// audits - what must hold of the programs, judged from outside: from /proc and
// by their clients. A new audit is a row of a table and the function it names.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "support/findings.h"
#include "support/process.h"

// A mistake of tests/mutants/, by name, and every invariant that it breaks.
struct Control {
    std::string mistake;
    std::set<Invariant> expected;
};

struct Audit {
    const char *claim;
    // What it finds in the program with MISTAKE, or in the program itself where
    // that is "".
    std::function<Findings(const std::string &mistake)> judge;
    std::vector<Control> controls; // it must see these and tell them apart
};
extern const std::vector<Audit> server_audits;
extern const std::vector<Audit> program_audits; // client and demonstrations
