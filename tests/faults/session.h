// SPDX-License-Identifier: MIT
// session - the base of the sessions of sessions.h: a tracer, findings, and the
// judgement of how a program terminates.
#pragma once

#include <optional>
#include <string>

#include "faults/sessions.h"
#include "faults/tracer.h"
#include "support/judge.h"

// For a program that stops before its first call, so that a tracer can attach
// in time; SIGCONT starts it.
StartOptions start_stopped();
void await_stop(const Process &process);

class Session {
  public:
    explicit Session(const Scenario &scenario) : scenario_(scenario) {
    }

  protected:
    void check(bool good, Invariant invariant, const std::string &what);
    // Also follows the children if the target is the family.
    void attach(pid_t pid);
    // How many of PID's calls, or of all processes' if 0, strace has
    // suppressed, of those whose first argument is FIRST, or anything if "". A
    // suppressed call has no effect: a descriptor stays open, a line is
    // missing.
    int left_out(pid_t pid, const std::string &call,
                 const std::string &first = "") const;
    // Whether the last of these calls of PID was suppressed.
    bool last_left_out(pid_t pid, const std::string &call,
                       const std::string &first) const;
    bool told_to_end() const; // by the fault
    void check_message(Process &process);
    // MAY_DIE: the signal that asks it to terminate may kill it.
    void check_status(Process &process, int status, bool may_die);
    Outcome outcome(const Process &process);

    const Scenario scenario_;
    Findings findings_;
    std::optional<Tracer> tracer_;

  private:
    void check_handlers();
    void check_closes();
};
