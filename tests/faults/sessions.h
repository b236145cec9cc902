// SPDX-License-Identifier: MIT
// sessions - what a program goes through while a fault strikes it, and which
// of the invariants it has broken by the end. A session is the same with a
// fault and without, so that a clean run of it tells which calls there are to
// fail.
#pragma once

#include <string>
#include <vector>

#include "faults/tracer.h"
#include "support/findings.h"

// Whose calls meet the fault.
enum class Target {
    parent, // the process that was started
    child,  // its first child, from the time that it is at work
    family, // the parent, and each child from its birth on
};

// How the program is to take it.
enum class Reaction {
    carries_on,  // once the fault is over, as if nothing had happened
    loses_child, // the same, but what a child did may be lost
    drains,      // an orderly end, status 0, or that of the signal
    stops,       // an orderly end, status 1 and a message
    ends,        // as if nothing had happened, or status 1 and a message
};

struct Scenario {
    std::vector<std::string> words; // the program and its arguments
    std::string shows; // what a demonstration prints, a regular expression
    bool in_any_order = false; // its lines, sorted, match that
    int leaves = 0;            // zombies that it leaves to init(1) on purpose
    Fault fault = {};
    Target target = Target::parent;
    Reaction reaction = Reaction::carries_on;
    std::string says; // what the message holds
};

struct Outcome {
    Findings findings;
    bool met; // the fault has struck
    pid_t parent;
    std::vector<TracedCall> calls;
};

// A server that listens: clients before, during and after the fault, the
// totals, and a drain.
Outcome serve_session(const Scenario &scenario);
// A server that drains without grace, with clients that do not leave.
Outcome grace_session(const Scenario &scenario);
// A server from its first call until it serves.
Outcome start_session(const Scenario &scenario);
// The client: two lines and q.
Outcome talk_session(const Scenario &scenario);
// The client where the server ends first.
Outcome cut_off_session(const Scenario &scenario);
// A demonstration.
Outcome show_session(const Scenario &scenario);
