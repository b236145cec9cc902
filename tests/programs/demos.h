// SPDX-License-Identifier: MIT
// demos - what every demonstration must stand: the starts that the book's
// listings do not expect, output that cannot be written, forks that fail.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/process.h"

// Runs ARGUMENTS into a pipe and into a file, started as usual, with SIGCHLD
// ignored, with every signal blocked, with standard input closed, and with a
// child that it did not make; CHECK_RUN judges each run.
void check_each_start(const std::vector<std::string> &arguments,
                      const std::function<void(const Run &)> &check_run);

// Runs ARGUMENTS with standard output full, broken and closed: a message,
// status 1, and no process left.
void check_unwritable(const std::vector<std::string> &arguments);

// Runs ARGUMENTS as a user who may have 1, 2, ... FORKS processes, so that each
// fork in turn fails: a message, status 1, and no child that runs. Needs root.
void check_failing_forks(const std::vector<std::string> &arguments, int forks);

// Runs NAME with wrong words: a message that shows the word, status 2.
void check_wrong_words(const std::string &name);
