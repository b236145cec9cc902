// SPDX-License-Identifier: MIT
// findings - what an audit or a fault scenario found broken; an empty list is
// success. An audit returns its findings so that the same audit can judge the
// programs, which must have none, and a mutant, which must have exactly those
// that it was made for.
#pragma once

#include <set>
#include <string>
#include <vector>

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
// What each requires, I1 first. A second is counted in short sleeps of the
// test: when the machine stalls, the test stalls too, and still allows a whole
// second.
inline constexpr const char *must_hold[] = {
    "no zombie child within a second of quiet, nor an orphan that somebody "
    "else has to reap; the test is a child subreaper",
    "the parent holds the descriptors that it held when it began to listen, by "
    "link target",
    "a child holds its one connection and nothing else; what the starter left "
    "open is in neither",
    "when the fault is over, a client is served within a second",
    "while it lasts, fewer than 50 system calls and 5 clock ticks a second",
    "what comes back is a prefix of what was sent, and all of it after an "
    "orderly end",
    "one line when a client comes and one when it goes, whole, in one write; "
    "totals that are right",
    "the exit status is the documented one, a failure has its message, nobody "
    "dies by SIGPIPE",
    "after SIGTERM, to the parent or to the group, the backlog is served, then "
    "no listener; clients finish or are killed after the grace; all reaped; "
    "status 0",
    "AddressSanitizer, UndefinedBehaviorSanitizer and valgrind are silent in "
    "every process",
    "each process catches, ignores and blocks just the signals that it should; "
    "no handler makes a system call, but the client's when it is told to end",
    "nobody wakes up while there is nothing to do",
};

struct Finding {
    Invariant invariant;
    std::string what; // one line, with the observed values
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
