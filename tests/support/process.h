// SPDX-License-Identifier: MIT
// process - starts a program, or a function of the test, and reads its output.
// Its whole process group is killed when the test ends.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "support/descriptors.h"

// A program's path and its arguments.
using Words = std::vector<std::string>;

struct StartOptions {
    int input = -1;         // descriptor for standard input; -1 is /dev/null
    int output = -1;        // -1 collects it in Process::output
    int errors = -1;        // -1 collects it in Process::errors
    Words environment = {}; // added to the test's: "NAME=X"
    std::function<void()> in_child = {}; // called just before it starts
};

class Process {
  public:
    // Runs ARGUMENTS, the first being the program's path, in a new process
    // group.
    explicit Process(const Words &arguments, const StartOptions &options = {});
    // Runs BODY in a forked child, which then exits with status 0.
    explicit Process(const std::function<void()> &body);
    ~Process(); // kills the whole group and reaps it
    Process(const Process &) = delete;

    pid_t pid() const {
        return pid_;
    }
    // Waits until it terminates, collecting its output. Returns its exit
    // status, or 128 + N if killed by signal N; fails the test at the deadline.
    int wait();
    bool has_ended(); // without waiting
    // Reads standard output or error until it contains TEXT, COUNT times.
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
// The path of one of the tests' own programs, from ECHO_MP_TEST_PROGRAMS.
std::string test_program(const std::string &name);

// Where NAME is installed; "" if it is not.
std::string path_of(const std::string &name);

// The result of one complete run.
struct Run {
    int status;
    std::string output, errors;
};
Run run(const Words &arguments, const StartOptions &options = {});
Run run_in_child(const std::function<void()> &body);
// Checks that BODY, which changes signals or descriptors, ends well in one.
void check_in_child(const std::function<void()> &body);

// Whether all of TEXT matches the extended regular expression EXPRESSION.
bool matches(const std::string &text, const std::string &expression);
int count_of(std::string_view text, std::string_view in);
std::vector<std::string> lines_of(const std::string &text);
Words words_of(const std::string &text);

// Limits the calling process to descriptors below COUNT, or below its hard
// limit if that is lower.
void allow_descriptors(unsigned count);
// For StartOptions::in_child.
void block_every_signal();
// For StartOptions::in_child: makes the program process 1 of a PID namespace,
// as `unshare --pid --fork` does. The process that was started waits for it and
// exits with its status, or with 126 if a signal killed it.
void become_process_1();
// Changes from root, whom RLIMIT_NPROC does not limit, to a separate user who
// may have PROCESSES processes, the calling one included.
void become_limited_user(int processes);

// Whether the group led by PID, already reaped, is empty.
bool group_is_empty(pid_t pid);
// Waits until that group is empty. Returns how many of its members were left
// for the test to reap.
int orphans_left_by(pid_t pid);
