// SPDX-License-Identifier: MIT
// judge - what audits and fault scenarios check in one process of any program:
// its descriptors, signals, sleep, lines and termination. Each function adds
// what is wrong to FINDINGS, where WHO names the process.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include "support/findings.h"
#include "support/proc.h"
#include "support/process.h"

void add_finding(Findings &findings, Invariant invariant,
                 const std::string &what);

// HELD must have exactly the link targets of EXPECTED.
void judge_descriptors(Findings &findings, Invariant invariant,
                       const std::string &who, const Descriptors &held,
                       const Descriptors &expected);
// HELD must be 0, 1 and 2, as in STANDARD where it has them, and one more: a
// connection whose other end has one of PORTS.
void judge_connection(Findings &findings, Invariant invariant,
                      const std::string &who, const Descriptors &held,
                      const Descriptors &standard, const std::set<int> &ports);
// 0, 1 and 2 of DESCRIPTORS.
Descriptors standard_of(const Descriptors &descriptors);

// The dispositions and mask of PID, which sleeps, must be exactly these.
struct Signals {
    std::vector<int> caught, ignored, blocked;
};
void judge_signals(Findings &findings, const std::string &who, pid_t pid,
                   const Signals &expected);

// Each of SLEEPERS, already asleep, must stay asleep for TIME; one that wakes
// gets a second try.
struct Sleeper {
    std::string who;
    pid_t pid;
};
void judge_sleep(
    Findings &findings, const std::vector<Sleeper> &sleepers,
    Invariant invariant = Invariant::idle,
    std::chrono::milliseconds time = std::chrono::milliseconds(1000));

// Waits until PID sleeps; ends the test if it never does.
void await_sleep(pid_t pid);

// A second, counted in short sleeps of this process: while the machine stalls,
// so does the count.
constexpr std::chrono::milliseconds nap_time(5);
constexpr int naps_in_a_second = 200;
void nap();
// Whether CONDITION becomes true within a second in which neither PID nor a
// process of its group was held up: if one runs, or waits for a processor or
// its tracer, when the second is over, another second is allowed, up to a
// limit.
bool soon(pid_t pid, const std::function<bool()> &condition);

// The same for what may take long: gives up at the deadline, or when no process
// of the group has run for a second, longer than any pause of a server.
bool comes_to_hold(pid_t pid, const std::function<bool()> &condition);

// TEXT, the output of a server, terminated if ENDED, must be whole lines: one
// when each of its clients, on PORTS, connected and one when it disconnected,
// and statistics that agree with them except for LOST lines.
void judge_lines(Findings &findings, const std::string &who,
                 const std::string &text, const std::set<int> &ports, int lost,
                 bool ended);

// STATUS, that of PROCESS, which has terminated, must be one of STATUSES.
void judge_status(Findings &findings, const Process &process,
                  const std::string &who, int status,
                  const std::set<int> &statuses);
// PROCESS has terminated, perhaps killed: the rest of its group must follow
// soon, LEAST to MOST of them left for others to reap.
void judge_orphans(Findings &findings, const Process &process,
                   const std::string &who, int least, int most);
// PROCESS must terminate unaided with STATUS (128 + N for signal N), every
// process of its group reaped.
void judge_end(Findings &findings, Process &process, int status);
// It must have written nothing to standard error.
void judge_errors(Findings &findings, const Process &process);
