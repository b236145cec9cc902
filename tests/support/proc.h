// SPDX-License-Identifier: MIT
// proc - what /proc says about a process.
#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "support/descriptors.h"

// proc_pid_stat(5)
struct Stat {
    pid_t pid = 0;
    std::string name;
    char state = '\0'; // if there is no such process
    pid_t parent = 0, group = 0;
    long user = 0, system = 0; // clock ticks
};
Stat stat_of(pid_t pid);
// "Z" and so on; "" if there is no such process.
std::string process_state(pid_t pid);
// A line of /proc/PID/status, such as "SigCgt", without its name; "" if absent.
std::string status_field(pid_t pid, const std::string &name);
// Such a line as a signal mask, signal 1 being the lowest bit; 0 if absent.
// Excludes those that the C library reserves: a program started by
// posix_spawn(3), as ninja starts tests, ignores some of them.
unsigned long long signal_mask(pid_t pid, const std::string &name);
std::vector<pid_t> all_processes();
std::vector<pid_t> children_of(pid_t pid);
// Waits until it has exactly one.
pid_t only_child_of(pid_t pid);
// Every process, zombies included, of the group that PID leads or led.
std::vector<pid_t> members_of_group(pid_t pid);
// Descriptor to link target, without those that valgrind opened.
using Descriptors = std::map<int, std::string>;
Descriptors descriptors_of(pid_t pid);
// " 0=/dev/null 1=..."
std::string text_of(const Descriptors &descriptors);
// A copy of PID's descriptor FD; -1 where pidfd_getfd(2) is not permitted, such
// as in some containers.
Fd copy_of_descriptor(pid_t pid, int fd);
// User and system time of PID, in clock ticks; 0 if there is no such process.
long ticks_of(pid_t pid);
// How often PID has gone to sleep; 0 if there is no such process.
long sleeps_of(pid_t pid);
