// SPDX-License-Identifier: MIT
// findings - what an audit or a fault scenario found broken. An empty list is
// the good result. An audit returns its findings, so that the same audit can
// judge the programs, where there must be none, and a program that is wrong on
// purpose, where there must be just the one that it was made for.
#pragma once

#include <set>
#include <string>
#include <vector>

// tests/README.md says what each of them asks.
enum class Invariant {
    no_zombie = 1,      // I1
    parent_descriptors, // I2
    child_descriptors,  // I3
    serves_after,       // I4
    no_spin,            // I5
    echo,               // I6
    lines,              // I7
    exit_status,        // I8
    drain,              // I9
    memory,             // I10
    dispositions,       // I11
    idle,               // I12
};

struct Finding {
    Invariant invariant;
    std::string what; // one line, with the values that were seen
};
using Findings = std::vector<Finding>;

inline std::set<Invariant> invariants_of(const Findings &findings) {
    std::set<Invariant> invariants;
    for (const Finding &finding : findings)
        invariants.insert(finding.invariant);
    return invariants;
}

// "I3: child 17 holds socket:[42], the listener; I5: ..."; "" for none.
inline std::string text_of(const Findings &findings) {
    std::string text;
    for (const Finding &finding : findings)
        text += (text.empty() ? "I" : "; I") +
                std::to_string(static_cast<int>(finding.invariant)) + ": " +
                finding.what;
    return text;
}
