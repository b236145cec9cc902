// SPDX-License-Identifier: MIT
// sessions - scripted runs of a program under a fault, and the invariants that
// it breaks. A session is the same with and without a fault, so that a clean
// run shows which calls can fail.
#pragma once

#include <string>
#include <vector>

#include "faults/tracer.h"
#include "support/findings.h"

// The processes whose calls meet the fault.
enum class Target {
    parent, // the process that was started
    child,  // its first child, once that serves
    family, // the parent, and each child from its first call
};

// How the program must react to it.
enum class Reaction {
    carries_on,  // once the fault is over, as if nothing had happened
    loses_child, // the same, but a child's work may be lost
    drains,      // graceful shutdown, status 0 or that of the signal
    stops,       // graceful shutdown, status 1 and a message
    ends,        // as if nothing had happened, or status 1 and a message
};

struct Scenario;

struct Outcome {
    Findings findings;
    bool met; // the fault has struck
    pid_t parent;
    std::vector<TracedCall> calls;
};

// A session, with its program's command line and expected output.
struct Subject {
    const char *name;
    Outcome (*session)(const Scenario &);
    const char *words;         // the program and its arguments
    const char *shows = "";    // an expression for a demonstration's output
    bool in_any_order = false; // its lines match that when sorted
    int leaves = 0;            // zombies that it deliberately leaves
};

struct Scenario {
    const Subject *subject;
    Target target = Target::parent;
    Reaction reaction = Reaction::carries_on;
    const char *says = ""; // what the message contains
    Fault fault = {};
};

// A listening server: clients before, during and after the fault, statistics,
// and a drain.
Outcome serve_session(const Scenario &scenario);
// A server that drains with a grace period of 0; its clients do not disconnect.
Outcome grace_session(const Scenario &scenario);
// A server from its first call until it serves.
Outcome start_session(const Scenario &scenario);
// The client: two lines and q.
Outcome talk_session(const Scenario &scenario);
// The client when the server closes first.
Outcome cut_off_session(const Scenario &scenario);
// A demonstration.
Outcome show_session(const Scenario &scenario);
