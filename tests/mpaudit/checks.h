// SPDX-License-Identifier: MIT
// checks - what is asked of a server. A new check is a row of `checks`, and the
// function it names.
#pragma once

#include <vector>

#include "mpaudit/report.h"

enum Needs {
    nothing = 0,
    a_fork = 1,  // a process for each client
    an_echo = 2, // a server that sends back what it gets
    root = 4,
    tracing = 8, // strace(1)
};

struct Check {
    const char *name;
    const char *claim; // what holds if it is ok
    int needs;
    void (*run)(Result &result);
};
extern const std::vector<Check> checks;

// In checks-processes.cpp:
void check_descriptors(Result &result);
void check_client_in_parent(Result &result);
void check_listener_in_child(Result &result);
void check_client_in_other_child(Result &result);
void check_zombies_1(Result &result);
void check_zombies_50(Result &result);
void check_zombies_500(Result &result);
void check_killed_children(Result &result);
void check_stopped_child(Result &result);
void check_sigchld_ignored(Result &result);
void check_sigchld_blocked(Result &result);
void check_child_signals(Result &result);
void check_idle(Result &result);
void check_sigterm(Result &result);
void check_parent_killed(Result &result);
void check_restart(Result &result);
void check_closed_descriptors(Result &result);

// In checks-limits.cpp:
void check_descriptor_limit(Result &result);
void check_process_limit(Result &result);
void check_accept_errors(Result &result);
void check_log_full(Result &result);
void check_log_closed(Result &result);
void check_disk_full(Result &result);
void check_crowd(Result &result);
void check_growth(Result &result);

// In checks-traffic.cpp:
void check_half_close(Result &result);
void check_slow_reader(Result &result);
void check_large_echo(Result &result);
void check_no_reader(Result &result);
void check_silent_client(Result &result);
void check_reset_before_accept(Result &result);
void check_reset_in_flight(Result &result);
void check_stalls(Result &result);
void check_urgent_data(Result &result);

// What the checks share, in checks.cpp. WHEN is part of a message: "after ...".
class Subject;
// The server, which may have to reap, is left with no zombie.
void judge_zombies(Result &result, const Subject &subject,
                   const std::string &when);
// A new client is served; where not, a fault. Returns whether.
bool judge_service(Result &result, const Subject &subject,
                   const std::string &when);
