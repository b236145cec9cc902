// SPDX-License-Identifier: MIT
// session - what the sessions of sessions.h share: a process and its tracer,
// findings, and the judgement of how the process terminates.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "faults/sessions.h"
#include "faults/tracer.h"
#include "support/judge.h"

// For a program that stops before its first call, so that a tracer can attach
// in time: until begin().
StartOptions stopped();

struct Session {
    // Starts the program with MORE words after the subject's.
    Session(const Scenario &scenario, const StartOptions &start,
            const Words &more = {});

    // Lets a stopped program begin. If the fault is its child's, the caller
    // attaches later.
    void begin();
    // Also follows the children if the target is the family.
    void attach(pid_t pid);

    void check(bool good, Invariant invariant, const std::string &what);
    // How many of PID's calls, or of all processes' if 0, strace has
    // suppressed, of those whose first argument is FIRST, or anything if "". A
    // suppressed call has no effect: a descriptor stays open, a line is
    // missing.
    int left_out(pid_t pid, const std::string &call,
                 const std::string &first = "") const;
    bool told_to_end() const; // by the fault
    void check_message();
    // MAY_DIE: the signal that asks it to terminate may kill it.
    void check_status(int status, bool may_die);
    Outcome outcome();

    const Scenario &scenario;
    Process process;
    const pid_t pid;
    Findings findings;
    std::optional<Tracer> tracer;

  private:
    void check_handlers();
    void check_closes();
};
