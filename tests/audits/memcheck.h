// SPDX-License-Identifier: MIT
// memcheck - runs a program and its children under valgrind and reads what is
// reported of each process: 3.19 has no exit status for a descriptor that is
// left open, and nobody sees the status of a grandchild.
#pragma once

#include <string>
#include <vector>

#include "support/findings.h"
#include "support/process.h"

class Memcheck {
  public:
    // Starts ARGUMENTS, the first being the program's path. Where there is no
    // valgrind the test ends here, as skipped.
    explicit Memcheck(const std::vector<std::string> &arguments,
                      const StartOptions &options = {});
    ~Memcheck(); // removes the logs
    Memcheck(const Memcheck &) = delete;

    // Waits for the program's end, and its children's, and judges what is
    // reported of its PROCESSES: no error, no memory lost, no descriptor open
    // but those inherited over exec. One that SIGTERM has ended may hold one
    // connection; KILLED of them, ended by SIGKILL, have nothing to report.
    Findings findings(int processes, int killed = 0);
    // For a test that fails.
    std::string text() const;

  private:
    std::string folder_;

  public:
    Process process;
};
