// SPDX-License-Identifier: MIT
// machine - what the tests need of the machine that they run on, and may not
// find: what needs it is skipped, or runs otherwise. All of it may be asked
// before doctest is set up, when the list of tests is made.
#pragma once

#include <string>

// To be called first. Opens on /dev/null those of 0, 1 and 2 that the test was
// started without. Where its children's orphans would not come to it, no test
// could tell what a program leaves behind: ends the test as skipped.
void prepare_test();
// Ends the test, as one that cannot be run here: with that status.
constexpr int skip_status = 77; // as Meson has it
[[noreturn]] void skip_test(const std::string &reason);
// Prints which of the following this machine has not.
void print_missing();

// Whether this host has an IPv6 loopback address.
bool have_ipv6();
// Whether it has IPv6 at all, be it without an address.
bool have_ipv6_family();
// What a server that was given no address says it listens on: "[::]", or
// "0.0.0.0" without IPv6.
std::string every_address();
// Whether the kernel takes filters of system calls. Without them echo_mpserv
// runs only with -S.
bool have_seccomp();
// Whether the host lets us copy another's descriptor.
bool can_copy_descriptors();
// Whether the test may make PID namespaces: as root, not in every container.
bool have_pid_namespaces();
// Whether the test can become_limited_user(): as root, and where such a user
// exists (not in every container).
bool can_become_limited_user();

// Whether valgrind runs the test and what it starts (tests/support/reports.sh).
// It catches all signals, and opens standard descriptors that are closed.
bool under_valgrind();
// Whether this build has a sanitizer that watches memory.
bool under_sanitizer();
