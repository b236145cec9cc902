// SPDX-License-Identifier: MIT
// tracer - strace(1) on a running process: it makes system calls fail, or
// sends signals at them, from outside, and keeps a record of every call.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/process.h"

// One fault as strace injects it. Counted apart for each process.
struct Fault {
    std::string call;   // as strace(1) names it; "" for no fault
    std::string effect; // "error=EIO", "signal=SIGTERM", "delay_exit=1000"
    int nth = 1;        // the first use of the call that meets it
    bool for_ever = false;
};
std::string text_of(const Fault &fault);

struct TracedCall {
    pid_t pid;
    std::string name, arguments; // the arguments are cut where they are long
    bool injected;
    bool signalled; // a signal has come since the call before
};

class Tracer {
  public:
    // Attaches to PID, and with FOLLOW to the children it makes from then on.
    // When this returns, no later call of PID goes unseen.
    Tracer(pid_t pid, const Fault &fault, bool follow);
    // Lets go of every process: the fault is lifted. May be called again.
    void lift();
    // Every call so far.
    std::vector<TracedCall> calls() const;
    // Whether a process has met the fault, or the one that PID is.
    bool met() const;
    bool met_by(pid_t pid) const;

  private:
    std::string record() const;
    std::map<pid_t, int> uses() const;

    pid_t pid_;
    Fault fault_;
    bool asleep_; // in a call, which it makes anew when strace has come
    Fd record_;
    Process strace_;
};

// Why strace is of no use here, as a sentence; "" where it is.
std::string tracing_hindered();
