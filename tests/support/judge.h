// SPDX-License-Identifier: MIT
// judge - what audits and fault scenarios look at in one process, of whatever
// program: its descriptors, its signals, its sleep, its lines and its end. Each
// adds to FINDINGS what is not as it must be; WHO is the process's name there.
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
void add_findings(Findings &findings, const Findings &more);

// HELD must be EXPECTED, by link target, and nothing else.
void judge_descriptors(Findings &findings, Invariant invariant,
                       const std::string &who, const Descriptors &held,
                       const Descriptors &expected);
// HELD, by PID, must be 0, 1 and 2, those of STANDARD as far as it has them,
// and one thing more: a connection whose other end has one of PORTS.
void judge_connection(Findings &findings, Invariant invariant,
                      const std::string &who, pid_t pid,
                      const Descriptors &held, const Descriptors &standard,
                      const std::set<int> &ports);
// 0, 1 and 2 of DESCRIPTORS.
Descriptors standard_of(const Descriptors &descriptors);

// The signals of PID, which sleeps, must be just these, all others included.
struct Signals {
    std::vector<int> caught, ignored, blocked;
};
void judge_signals(Findings &findings, const std::string &who, pid_t pid,
                   const Signals &expected);

// Each of SLEEPERS, asleep already, must sleep through TIME; one that wakes
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
// the count does, too.
constexpr int naps_in_a_second = 200;
void nap();
// Whether CONDITION comes to hold within a second in which nobody of the group
// that PID leads was held up: where somebody runs, waits for a processor or for
// its tracer when the second is over, there is another one, for a while.
bool soon(pid_t pid, const std::function<bool()> &condition);

// The same for what may take long: gives up when PID and its children have all
// been at rest for a second, which no pause of a server takes, or the deadline
// is over.
bool comes_to_hold(pid_t pid, const std::function<bool()> &condition);

// TEXT is what a server, which has ended if ENDED, has printed: whole lines,
// one when one of its clients, which had PORTS, came and one when it went, and
// totals that agree with them but for LOST lines.
void judge_lines(Findings &findings, const std::string &who,
                 const std::string &text, const std::set<int> &ports, int lost,
                 bool ended);

// PROCESS has ended with STATUS, which must be one of STATUSES.
void judge_status(Findings &findings, const Process &process,
                  const std::string &who, int status,
                  const std::set<int> &statuses);
// Of the group of PROCESS, which has ended, perhaps killed, nobody lives on
// for long, and LEAST to MOST are there for others to reap.
void judge_orphans(Findings &findings, const Process &process,
                   const std::string &who, int least, int most);
// PROCESS must end by itself with STATUS (128 + N for signal N), every process
// of its group reaped.
void judge_end(Findings &findings, Process &process, int status);
// It must have written nothing to standard error.
void judge_errors(Findings &findings, const Process &process);
