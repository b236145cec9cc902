// SPDX-License-Identifier: MIT
// checks - what is asked of a server. A new check is a row of one of the
// tables, and the function it names.
#pragma once

#include <vector>

#include "mpaudit/report.h"

enum Needs {
    nothing = 0,
    a_fork = 1,  // a process for each client
    an_echo = 2, // a server that sends back what it gets
    tracing = 4, // strace(1)
};

struct Check {
    const char *name;
    const char *claim; // what holds if it is ok
    int needs;
    void (*run)(Result &result);
};
extern const std::vector<Check> process_checks, limit_checks, traffic_checks;
std::vector<Check> all_checks();

// A number, as evidence.
std::string number(auto value) {
    return std::to_string(value);
}

// What the checks share, in checks.cpp. WHEN is part of a message: "after ...".
class Subject;
// The server, which may have to reap, is left with no zombie.
void judge_zombies(Result &result, const Subject &subject,
                   const std::string &when);
// A new client is served; where not, a fault. Returns whether.
bool judge_service(Result &result, const Subject &subject,
                   const std::string &when);
