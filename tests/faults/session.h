// SPDX-License-Identifier: MIT
// session - what the sessions of sessions.h have in common: a tracer, what has
// been found, and how a program's end is judged.
#pragma once

#include <optional>
#include <string>

#include "faults/sessions.h"
#include "faults/tracer.h"
#include "support/judge.h"

// For a program that is stopped before its first call, so that a tracer can be
// there in time; SIGCONT starts it.
StartOptions start_stopped();
void await_stop(const Process &process);

class Session {
  public:
    explicit Session(const Scenario &scenario) : scenario_(scenario) {
    }

  protected:
    void check(bool good, Invariant invariant, const std::string &what);
    // Follows the children, too, where the whole family is the target.
    void attach(pid_t pid);
    // How many of PID's calls, 0 for everybody's, strace has left out, those
    // whose arguments begin with ARGUMENTS. What it leaves out has not been
    // done: a close, a line.
    int left_out(pid_t pid, const std::string &call,
                 const std::string &arguments = "") const;
    // Whether the last of these calls of PID's was.
    bool last_left_out(pid_t pid, const std::string &call,
                       const std::string &arguments) const;
    bool told_to_end() const; // by the fault
    void check_message(Process &process);
    // MAY_DIE: a signal that ends it may do so at once.
    void check_status(Process &process, int status, bool may_die);
    Outcome outcome(const Process &process);

    const Scenario scenario_;
    Findings findings_;
    std::optional<Tracer> tracer_;

  private:
    void check_handlers();
    void check_closes();
};
