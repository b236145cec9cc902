// SPDX-License-Identifier: MIT
// demos - conditions that every demonstration must cope with: starts that the
// book's listings do not expect, output that cannot be written, failing forks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/process.h"

// Runs ARGUMENTS with output to a pipe and to a file: normally, with SIGCHLD
// ignored, with every signal blocked, with standard input closed, and with a
// child that it did not create. CHECK_RUN checks each run.
void check_each_start(const std::vector<std::string> &arguments,
                      const std::function<void(const Run &)> &check_run);

// Runs ARGUMENTS with standard output full, broken and closed, expecting a
// diagnostic, status 1 and no remaining process.
void check_unwritable(const std::vector<std::string> &arguments);

// Runs ARGUMENTS as a user limited to 1, 2, ... FORKS processes, so that each
// fork in turn fails, expecting a diagnostic, status 1 and no running child.
// Needs root.
void check_failing_forks(const std::vector<std::string> &arguments, int forks);

// Runs NAME with invalid arguments, expecting a diagnostic that shows the
// argument, and status 2.
void check_wrong_words(const std::string &name);
