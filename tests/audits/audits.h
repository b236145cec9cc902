// SPDX-License-Identifier: MIT
// audits - what must hold of the programs from outside, by /proc and by what
// clients see. An audit returns what it has found broken, nothing at best.
#pragma once

#include <string>
#include <vector>

#include "support/findings.h"

// ---- a server ---------------------------------------------------------------

// SERVER is its path and its arguments; it listens on a free port and prints
// echo_mpserv's lines, and `-g SECONDS`, put in after the path, is its grace.
using Words = std::vector<std::string>;

// The parent holds what it held when it began to listen, a child its client's
// connection and nothing else, and has no child: before, while and after there
// are clients.
Findings audit_descriptors(const Words &server);
// CLIENTS leave at once, and their children end before one is reaped: no
// zombie, a line for each, totals that are right, and nobody left at the end.
Findings audit_storm(const Words &server, int clients);
// What parent and child catch, ignore and block.
Findings audit_signals(const Words &server);
// Neither the parent nor the child of a silent client wakes up for nothing.
Findings audit_idle(const Words &server);
// After SIGTERM: no listener; clients finish, or are ended after the grace;
// all are reaped; exit status 0.
Findings audit_drain(const Words &server);
// To a file, a pipe and a socket that keeps each write apart: whole lines, one
// when a client comes and one when it goes, none when a child only stops.
Findings audit_lines(const Words &server);
// The reader of its lines goes away: it serves on, and ends with status 0.
Findings audit_broken_log(const Words &server);
// Every byte comes back, also where writes come short.
Findings audit_echo(const Words &server);

// ---- the client and the demonstrations --------------------------------------

// CLIENT is its path and its words before a host and a port.

// Receiver and writer, while the user types nothing and after the half-close:
// their descriptors, signals and sleep.
Findings audit_client(const Words &client);
// Each way to end: the exit status, and no process left.
Findings audit_client_ends(const Words &client);

// How a demonstration is while it sleeps, for longer than the audit takes. What
// a parent does in ppoll(2) it does with nothing blocked.
struct Demonstration {
    Words words; // its path and its arguments
    int lines;   // after which it sleeps
    int children;
    std::string child_state;  // "" where there is none
    std::vector<int> caught;  // by the parent and, as a copy, its children
    bool output_full = false; // which makes one sleep that else never would
};
// Parents and children while they sleep, side by side: descriptors, signals,
// state; and no child left for long where the parent is killed.
Findings audit_demonstrations(const std::vector<Demonstration> &demonstrations);
// Its orderly end: status 0, and no process left but ZOMBIES that only the end
// of their parent frees.
Findings audit_demonstration_end(const Words &demonstration, int zombies);
