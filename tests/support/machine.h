// SPDX-License-Identifier: MIT
// machine - what the tests need from the machine that they run on: tests that
// need something it lacks are skipped or run differently. All of it may be
// called before doctest is set up, while test cases are registered.
#pragma once

#include <string>

// To be called first. Opens /dev/null as those of 0, 1 and 2 that are closed.
// Skips the test where orphans would not be reparented to it: no test could
// tell what a program leaves behind.
void prepare_test();
// Ends the test as one that cannot run here, with that status.
constexpr int skip_status = 77; // Meson's
[[noreturn]] void skip_test(const std::string &reason);
// Prints which of the following this machine lacks.
void print_missing();

// Whether this host has an IPv6 loopback address.
bool have_ipv6();
// Whether it has IPv6 at all, even without an address.
bool have_ipv6_family();
// The address that a server started without -a reports: "[::]", or "0.0.0.0"
// without IPv6.
std::string every_address();
// Whether the kernel supports system call filters. Without them echo_mpserv
// runs only with -S.
bool have_seccomp();
// Whether this host permits copying another process's descriptor.
bool can_copy_descriptors();
// Whether the test may create PID namespaces: as root, not in every container.
bool have_pid_namespaces();
// Whether the test can become_limited_user(): as root, and where such a user
// exists (not in every container).
bool can_become_limited_user();

// Whether the test and what it starts run under valgrind (reports.sh), which
// catches all signals and opens closed standard descriptors.
bool under_valgrind();
