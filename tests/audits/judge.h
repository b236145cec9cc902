// SPDX-License-Identifier: MIT
// judge - what the audits look at in one process, of whatever program: its
// descriptors, its signals, its sleep and its end. Each adds to FINDINGS what
// is not as it must be; WHO is the name of the process in them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "support/findings.h"
#include "support/proc.h"
#include "support/process.h"

void add_finding(Findings &findings, Invariant invariant,
                 const std::string &what);
void add_findings(Findings &findings, const Findings &more);

// PID must hold EXPECTED, by link target, and nothing else.
void judge_descriptors(Findings &findings, Invariant invariant,
                       const std::string &who, pid_t pid,
                       const Descriptors &expected);
// PID must hold 0, 1 and 2, those of STANDARD as far as it has them, and one
// thing more: the connection whose other end has PORT.
void judge_connection(Findings &findings, Invariant invariant,
                      const std::string &who, pid_t pid,
                      const Descriptors &standard, int port);
// 0, 1 and 2 of DESCRIPTORS.
Descriptors standard_of(const Descriptors &descriptors);
// The port that FD, a loopback socket of the test's own, is bound to.
int local_port(const Fd &fd);

// The signals of PID, which sleeps, must be just these, all others included.
struct Signals {
    std::vector<int> caught, ignored, blocked;
};
void judge_signals(Findings &findings, const std::string &who, pid_t pid,
                   const Signals &expected);

// Each of them, which sleep already, must sleep on for a second, or for the
// next one.
struct Sleeper {
    std::string who;
    pid_t pid;
};
void judge_sleep(Findings &findings, const std::vector<Sleeper> &sleepers);

// Waits until PID sleeps; ends the test if it never does.
void await_sleep(pid_t pid);

// Waits until CONDITION holds. Returns false when it will not come any more:
// PID and its children have all been at rest for a second, which no pause of a
// server takes, or the deadline is over.
bool comes_to_hold(pid_t pid, const std::function<bool()> &condition);

// PROCESS must end by itself with STATUS (128 + N for signal N), every process
// of its group reaped.
void judge_end(Findings &findings, Process &process, int status);
// It must have written nothing to standard error.
void judge_errors(Findings &findings, const Process &process);
