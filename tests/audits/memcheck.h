// SPDX-License-Identifier: MIT
// memcheck - runs a program and its children under valgrind and reads the
// report on each process: 3.19 has no exit status for a descriptor left open,
// and the status of a grandchild cannot be seen.
#pragma once

#include <string>
#include <vector>

#include "support/findings.h"
#include "support/process.h"

class Memcheck {
  public:
    // Starts ARGUMENTS, the first of which is the program's path. Skips the
    // test where there is no valgrind.
    explicit Memcheck(const std::vector<std::string> &arguments,
                      const StartOptions &options = {});
    ~Memcheck(); // removes the logs
    Memcheck(const Memcheck &) = delete;

    // Waits until the program and its children have terminated and judges the
    // reports on its PROCESSES: no error, no memory lost, no descriptor open
    // except those inherited over exec. One terminated by SIGTERM may hold one
    // connection; KILLED of them, terminated by SIGKILL, report nothing.
    Findings findings(int processes, int killed = 0);
    // For a test that fails.
    std::string text() const;

  private:
    std::string folder_;

  public:
    Process process;
};
