// SPDX-License-Identifier: MIT
// demos - conditions that every demonstration must cope with.
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include "programs/demos.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/reasons.h"
#include "support/sockets.h"
#include "support/waiting.h"

struct NamedStart {
    const char *name;
    std::function<void()> in_child;
};

// The child exits at once, with a status that no demonstration's child uses.
static void have_a_child_already() {
    if (fork() == 0)
        _exit(77);
}

static const NamedStart starts[] = {
    {"as usual", [] {}},
    {"SIGCHLD ignored", [] { signal(SIGCHLD, SIG_IGN); }},
    {"every signal blocked", block_every_signal},
    {"standard input closed", [] { close(STDIN_FILENO); }},
    {"a child of the one before exec", have_a_child_already},
};

void check_each_start(const std::vector<std::string> &arguments,
                      const std::function<void(const Run &)> &check_run) {
    struct Started {
        const char *name;
        Fd file; // its standard output; -1 for a pipe
        std::unique_ptr<Process> process;
    };
    std::vector<Started> all; // run concurrently, as they sleep
    for (const NamedStart &start : starts) {
        StartOptions options;
        options.in_child = start.in_child;
        all.push_back(
            {start.name, Fd(), std::make_unique<Process>(arguments, options)});
        Fd file = scratch_file();
        options.output = file.get();
        all.push_back({start.name, std::move(file),
                       std::make_unique<Process>(arguments, options)});
    }
    for (Started &started : all) {
        CAPTURE(started.name);
        int status = started.process->wait();
        if (started.file.get() != -1) {
            lseek(started.file.get(), 0, SEEK_SET);
            started.process->output = receive_to_end(started.file);
        }
        check_run({status, started.process->output, started.process->errors});
    }
}

// Returns how many processes were left behind, all of them terminated.
static int check_failed(const std::vector<std::string> &arguments,
                        const StartOptions &options,
                        const std::string &message) {
    Process process(arguments, options);
    CHECK(process.wait() == 1);
    CHECK_MESSAGE(count_of(message, process.errors) >= 1, process.errors);
    return orphans_left_by(process.pid());
}

void check_unwritable(const std::vector<std::string> &arguments) {
    StartOptions options;
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    options.output = full.get();
    check_failed(arguments, options, "standard output: " + reason_of(ENOSPC));
    Pipe broken = make_pipe();
    broken.read_end.close();
    options.output = broken.write_end.get();
    check_failed(arguments, options, "standard output: " + reason_of(EPIPE));
    if (under_valgrind())
        return; // its log would become standard output
    options.output = -1;
    options.in_child = [] { close(STDOUT_FILENO); };
    check_failed(arguments, options, "standard output: " + reason_of(EBADF));
}

void check_failing_forks(const std::vector<std::string> &arguments, int forks) {
    for (int processes = 1; processes <= forks; processes++) {
        StartOptions options;
        options.in_child = [processes] { become_limited_user(processes); };
        // Children of earlier forks are left to init(1), and terminate.
        CHECK(check_failed(arguments, options, "fork: " + reason_of(EAGAIN)) <
              processes);
    }
}

void check_wrong_words(const std::string &name) {
    for (const char *word : {"-x", "--what", "x", "+1", "", "1000001"}) {
        Run wrong = run({program(name), word});
        CHECK(wrong.status == 2);
        CHECK(wrong.output.empty());
        CHECK(count_of("'" + std::string(word) + "'", wrong.errors) == 1);
        CHECK(count_of("\nusage: " + name, wrong.errors) == 1);
    }
    Run many = run({program(name), "1", "1", "1"});
    CHECK(many.status == 2);
    CHECK(count_of("unexpected argument", many.errors) == 1);
}
