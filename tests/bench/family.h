// SPDX-License-Identifier: MIT
// family - what /proc says of a server and its descendants.
#pragma once

#include <sys/types.h>
#include <vector>

// The children of PID, including zombies. Empty if there is no such process;
// ends the program if the kernel does not list them.
std::vector<pid_t> children_of(pid_t pid);

// The same for all descendants of PID.
std::vector<pid_t> descendants_of(pid_t pid);

// The proportional set size of PIDS together, in KiB: what they share counts
// once. A process that has terminated meanwhile counts as 0.
double proportional_kib(const std::vector<pid_t> &pids);

struct Cost {
    double parent_faults, child_faults; // minor page faults
    double microseconds;                // processor time of both
};
// What PID and the children that it has reaped have cost so far.
Cost cost_of(pid_t pid);
