// SPDX-License-Identifier: MIT
// tracer - strace(1) on a running process: makes system calls fail, or delivers
// signals at them, from outside, and records every call.
#pragma once

#include <string>
#include <vector>

#include "support/process.h"

// One fault as strace injects it, with calls counted per process.
struct Fault {
    std::string call;   // as strace(1) names it; "" for no fault
    std::string effect; // "error=EIO", "signal=SIGTERM", "delay_exit=1000"
    int nth = 1;        // the first use of the call to meet it
    bool for_ever = false;
};
std::string text_of(const Fault &fault);

struct TracedCall {
    pid_t pid;
    std::string name, arguments; // long arguments are truncated
    bool injected;
    bool signalled; // a signal was delivered since the previous call
};

class Tracer {
  public:
    // Attaches to PID and, with FOLLOW, to its later children. When this
    // returns, every further call of PID is seen.
    Tracer(pid_t pid, const Fault &fault, bool follow);
    // Detaches from every process, which lifts the fault. May be called again.
    void lift();
    // Every call so far; valid until it is asked again.
    const std::vector<TracedCall> &calls() const;
    // Whether any process has met the fault, or, unless it is 0, BY has.
    bool met(pid_t by = 0) const;

  private:
    std::string record() const;

    pid_t pid_;
    Fault fault_;
    bool asleep_; // in a call, which restarts when strace attaches
    Fd record_;
    Process strace_;
    mutable size_t read_ = 0; // of the record, for calls_
    mutable std::vector<TracedCall> calls_;
};

// Why strace cannot be used here; "" if it can.
std::string tracing_hindered();
