// SPDX-License-Identifier: MIT
// process - start a program, or a part of the test itself, and read what it
// prints. It ends with the test, and so does all that it has started, by its
// process group.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "support/descriptors.h"

struct StartOptions {
    int input = -1;  // descriptor for standard input; -1 is /dev/null
    int output = -1; // -1 collects it in Process::output
    int errors = -1; // -1 collects it in Process::errors
    std::vector<std::string> environment; // besides the test's own: "NAME=X"
    std::function<void()> in_child; // last thing before the program begins
};

class Process {
  public:
    // Runs ARGUMENTS, the first being the program's path, as the leader of a
    // process group of its own.
    explicit Process(const std::vector<std::string> &arguments,
                     const StartOptions &options = {});
    // Runs BODY in a forked child, which then ends with status 0.
    explicit Process(const std::function<void()> &body);
    ~Process(); // kills the whole group and reaps it
    Process(const Process &) = delete;

    pid_t pid() const {
        return pid_;
    }
    // Waits for its end, collecting its output. Returns its exit status, or
    // 128 + N when signal N ended it; fails the test at the deadline.
    int wait();
    bool has_ended(); // without waiting
    // Reads standard output or error until it holds TEXT, COUNT times.
    bool output_has(std::string_view text, int count = 1);
    bool errors_have(std::string_view text, int count = 1);
    void signal(int signo) const;

    std::string output, errors;

  private:
    void start(const StartOptions &options, const std::function<void()> &run);
    bool await_text(const std::string &in, std::string_view text, int count);

    pid_t pid_ = -1;
    int status_ = -1;
    bool reaped_ = false;
    Fd output_pipe_, errors_pipe_;
};

// The path of one of the project's programs, from ECHO_MP_PROGRAMS.
std::string program(const std::string &name);
// The path of a program of the tests' own, from ECHO_MP_TEST_PROGRAMS.
std::string test_program(const std::string &name);

// Where NAME is installed; "" if it is not.
std::string path_of(const std::string &name);

// One run to its end.
struct Run {
    int status;
    std::string output, errors;
};
Run run(const std::vector<std::string> &arguments,
        const StartOptions &options = {});
Run run_in_child(const std::function<void()> &body);

// Whether all of TEXT matches the extended regular expression of regex(7).
bool matches(const std::string &text, const std::string &expression);
int count_of(std::string_view text, std::string_view in);
std::vector<std::string> lines_of(const std::string &text);

// From now on the calling process opens no descriptor from COUNT on, nor more
// than its hard limit lets it.
void allow_descriptors(unsigned count);
// For StartOptions::in_child.
void block_every_signal();
// For StartOptions::in_child: makes the program process 1 of a PID namespace,
// as `unshare --pid --fork` does. The process that was started waits for it,
// and ends with its status, or with 126 where a signal has killed it.
void become_process_1();
// Ends being root: the process goes on as a user of its own who may have
// PROCESSES processes, itself included. RLIMIT_NPROC does not bind root.
void become_limited_user(int processes);

// Whether no process is left in the group that PID, already reaped, has led.
bool group_is_empty(pid_t pid);
// Waits until none is left in that group. Returns how many of it nobody but the
// test was there to reap.
int orphans_left_by(pid_t pid);
