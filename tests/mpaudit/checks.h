// SPDX-License-Identifier: MIT
// checks - what is asked of a server. A new check is a row of one of the
// tables, and the function it names.
#pragma once

#include <vector>

#include "mpaudit/report.h"
#include "mpaudit/subject.h"

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

// ---- what the checks share --------------------------------------------------

// A new client is served; where not, a fault. Returns whether.
bool judge_service(const Subject &subject);
// After clients that did something and have left: no zombie is left, a new
// client is served, and processes that stay are worth a comment.
void judge_rest(const Subject &subject);
// How many processes outlive their clients; 0 while there are zombies.
size_t processes_left(const Subject &subject);
// Returns whether PID, of the server, still lives; where not, a fault.
bool judge_life(const Subject &subject, pid_t pid);

// Sends to a server whose echo nobody reads until it takes no more, or has
// taken most_to_fill. Returns all that was sent.
std::string fill(const Fd &client);

// Neither descriptors nor, with many clients, memory grow in five parts with
// CLIENTS each, one after the other.
void judge_growth(Result &result, int clients);
