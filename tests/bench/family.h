// SPDX-License-Identifier: MIT
// family - what /proc says of a server and of all the processes it has made.
#pragma once

#include <sys/types.h>
#include <vector>

// The children of PID, zombies too. Empty where there is no such process; ends
// the program where the kernel does not tell.
std::vector<pid_t> children_of(pid_t pid);

// The children of PID, zombies too, their children, and so on. Empty where
// there is no such process; ends the program where the kernel does not tell.
std::vector<pid_t> descendants_of(pid_t pid);

// The proportional set size of PIDS together, in KiB: what they share counts
// once. A process that has ended meanwhile has none.
double proportional_kib(const std::vector<pid_t> &pids);

struct Cost {
    double parent_faults, child_faults; // page faults, without reading a file
    double microseconds;                // of the processor, of both
};
// What PID has cost so far, and those of its children that it has reaped.
Cost cost_of(pid_t pid);
