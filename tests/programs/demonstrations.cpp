// SPDX-License-Identifier: MIT
// The demonstrations: what each prints, and what becomes of its children.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <list>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "support/judge.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/waiting.h"

static Words command(Words words) {
    words[0] = program(words[0]);
    return words;
}

// ---- all of them ------------------------------------------------------------

struct Demonstration {
    Words words;
    int book_seconds;  // that it takes at least without arguments
    const char *shows; // a regular expression for its output
};

// The fastest first. Where lines of parent and child mix, each alternative
// stands for some of them; the fault sessions count them.
static const Demonstration demonstrations[] = {
    {{"fork"}, 0, "Child Proc: \\[13, 27\\]\nParent Proc: \\[9, 23\\]\n"},
    {{"signal", "1", "100"}, 6, "(wait\\.\\.\\.\nTime out!\n){3}"},
    {{"sigaction", "1", "100"}, 6, "(wait\\.\\.\\.\nTime out!\n){3}"},
    {{"waitpid", "3", "1"}, 15, "(sleep [13]sec\\.\n)+Child send 24\n"},
    {{"remove_zombie", "1", "1"},
     15,
     "((Child proc id: [0-9]+|Hi! I'm child process|wait\\.\\.\\.|"
     "Removed proc id: [0-9]+\nChild send: (12|24))\n){11}"},
    {{"wait", "0"},
     30,
     "(Child PID: [0-9]+\n){2}Child send one: 3\nChild send two: 7\n"},
    {{"zombie", "0"},
     30,
     "((Child Process ID: [0-9]+|Hi, I am a child process|End child process)\n)"
     "{3}Child State: Z \\(zombie\\)\nEnd parent process\n"},
};

// All at once, because they sleep.
static std::list<Process> start_each(bool by_the_book,
                                     const StartOptions &start = {}) {
    std::list<Process> processes;
    for (const Demonstration &demo : demonstrations) {
        Words words = command(demo.words);
        if (by_the_book)
            words.resize(1);
        processes.emplace_back(words, start);
    }
    return processes;
}

static void check_each(std::list<Process> &processes) {
    auto process = processes.begin();
    for (const Demonstration &demo : demonstrations) {
        CAPTURE(demo.words[0]);
        CHECK(process->wait() == 0);
        CHECK_MESSAGE(matches(process->output, demo.shows), process->output);
        CHECK(process->errors.empty());
        process++;
    }
}

// Except zombie, which leaves the one that it shows.
TEST_CASE("each prints what it shows, and leaves no process") {
    std::list<Process> processes = start_each(false);
    check_each(processes);
    auto process = processes.begin();
    for (const Demonstration &demo : demonstrations)
        CHECK(orphans_left_by((process++)->pid()) ==
              (demo.words[0] == "zombie"));
}

TEST_CASE("what it is started with has no effect") {
    std::list<Process> processes = start_each(
        false, {.in_child = [] {
            signal(SIGCHLD, SIG_IGN);
            block_every_signal();
            close(STDIN_FILENO);
            if (fork() == 0) // a child with a status that none of them uses
                _exit(77);
        }});
    check_each(processes);
}

// Only a minimum, because a busy machine may delay it.
TEST_SUITE_BEGIN("timing");
TEST_CASE("without arguments each takes at least the book's time") {
    auto begin = std::chrono::steady_clock::now();
    std::list<Process> processes = start_each(true);
    std::vector<double> taken(processes.size(), INFINITY);
    (void)eventually([&] {
        size_t i = 0;
        for (Process &process : processes) {
            bool ended = process.has_ended();
            std::chrono::duration<double> now =
                std::chrono::steady_clock::now() - begin;
            if (ended)
                taken[i] = std::min(taken[i], now.count());
            i++;
        }
        return std::ranges::max(taken) < INFINITY;
    });
    check_each(processes);
    size_t i = 0;
    for (const Demonstration &demo : demonstrations) {
        CAPTURE(demo.words[0]);
        CHECK(taken[i++] >= demo.book_seconds);
    }
}
TEST_SUITE_END();

// ---- signals ----------------------------------------------------------------

TEST_CASE("signal: each interrupts a sleep, and is reported once") {
    Process demo(command({"signal", "1000", "1000"}));
    int i = 0;
    for (int signo : {SIGINT, SIGALRM, SIGINT}) {
        REQUIRE(demo.output_has("wait...\n", ++i));
        await_sleep(demo.pid());
        demo.signal(signo);
    }
    CHECK(demo.wait() == 0);
    CHECK(demo.output == "wait...\nCTRL+C pressed\nwait...\nTime out!\n"
                         "wait...\nCTRL+C pressed\n");
}

TEST_CASE("signal: being stopped and continued is not reported") {
    Process demo(command({"signal", "2", "1000"}));
    REQUIRE(demo.output_has("wait...\n"));
    demo.signal(SIGSTOP);
    CHECK(eventually([&] { return process_state(demo.pid()) == "T"; }));
    demo.signal(SIGCONT);
    CHECK(demo.output_has("Time out!\n"));
    CHECK(demo.output.starts_with("wait...\nTime out!\n"));
}

TEST_CASE("sigaction: an alarm is reported once") {
    Process demo(command({"sigaction", "1000", "1"}));
    REQUIRE(demo.output_has("wait...\n"));
    demo.signal(SIGALRM);
    CHECK(demo.wait() == 0);
    CHECK(count_of("Time out!\n", demo.output) == 1);
}

TEST_CASE("an uninterrupted sleep ends by itself") {
    for (const char *name : {"signal", "sigaction"})
        CHECK(run(command({name, "1000", "0"})).output ==
              "wait...\nwait...\nwait...\n");
}

// ---- children ---------------------------------------------------------------

TEST_CASE("a fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    StartOptions limited = {.in_child = [] { become_limited_user(1); }};
    for (std::string name :
         {"fork", "wait", "waitpid", "remove_zombie", "zombie"})
        CHECK(run(command({name}), limited).errors ==
              name + ": fork: Resource temporarily unavailable\n");
}

TEST_CASE("fork: a child that cannot print is reported by its parent") {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    Run demo = run(command({"fork"}), {.output = full.get()});
    CHECK(demo.status == 1);
    CHECK(matches(demo.errors, "fork: standard output: [^\n]*\n"
                               "fork: child [0-9]+: exited 1\n"));
}

TEST_CASE("zombie: the process that it names is the zombie") {
    Process demo(command({"zombie", "1000"}));
    REQUIRE(demo.output_has("Child State: Z"));
    std::string child = std::to_string(only_child_of(demo.pid()));
    CHECK(demo.output_has("Child Process ID: " + child + "\n"));
}

TEST_CASE("zombie: another PID namespace's process is not its child" *
          doctest::skip(!have_pid_namespaces())) {
    // But with the outer /proc.
    Run demo = run(command({"zombie", "0"}), {.in_child = become_process_1});
    CHECK(demo.status == 1);
    CHECK(count_of("Child State", demo.output) == 0);
    CHECK(demo.errors == "zombie: /proc belongs to another PID namespace\n");
}

TEST_CASE("waitpid: a child stopped and continued has not terminated") {
    Process demo(command({"waitpid", "1000", "1"}));
    pid_t child = only_child_of(demo.pid());
    for (auto [signo, state] : {std::pair(SIGSTOP, "T"), {SIGCONT, "S"}}) {
        REQUIRE(kill(child, signo) == 0);
        REQUIRE(eventually(
            [child, state = state] { return process_state(child) == state; }));
        (void)demo.has_ended(); // reads what it has printed
        demo.output.clear();
        REQUIRE(demo.output_has("sleep 1sec.", 2)); // it has polled since
    }
    CHECK(demo.errors.empty());
}

TEST_CASE("remove_zombie: one SIGCHLD for two children is enough") {
    Process demo(command({"remove_zombie", "1", "1000"}));
    REQUIRE(demo.output_has("wait...\n"));
    await_sleep(demo.pid());
    demo.signal(SIGSTOP);
    for (pid_t child : children_of(demo.pid()))
        CHECK(eventually([child] { return process_state(child) == "Z"; }));
    demo.signal(SIGCONT);
    CHECK(demo.output_has("Child send: ", 2));
    CHECK(children_of(demo.pid()).empty());
}

TEST_CASE("remove_zombie: children that outlast its waits are waited for") {
    Run demo = run(command({"remove_zombie", "1", "0"}));
    CHECK(demo.status == 0);
    CHECK(count_of("Child send: ", demo.output) == 2);
}

TEST_CASE("remove_zombie: a stopped child is not reaped") {
    Process demo(command({"remove_zombie", "2", "1000"}));
    REQUIRE(demo.output_has("Child proc id: ", 2));
    REQUIRE(demo.output_has("wait...\n"));
    await_sleep(demo.pid());
    size_t at = demo.output.find("Child proc id: ") + 15;
    std::string first = demo.output.substr(at, demo.output.find('\n', at) - at);
    REQUIRE(kill(std::stoi(first), SIGSTOP) == 0);
    REQUIRE(demo.output_has("\nChild send: 24\n"));
    REQUIRE(demo.output_has("wait...\n", 2));
    await_sleep(demo.pid()); // else the next SIGCHLD does not interrupt it
    CHECK(count_of("Removed", demo.output) == 1);
    CHECK(std::to_string(only_child_of(demo.pid())) == first);
    REQUIRE(kill(std::stoi(first), SIGCONT) == 0);
    REQUIRE(
        demo.output_has("Removed proc id: " + first + "\nChild send: 12\n"));
    CHECK(children_of(demo.pid()).empty());
}

TEST_CASE("a child that is killed is reported") {
    const struct {
        const char *name, *line; // that each child, or the parent, prints
        int children;
    } cases[] = {{"waitpid", "sleep 1sec.\n", 1},
                 {"remove_zombie", "Hi! I'm child process\n", 2}};
    for (const auto &c : cases) {
        Process demo(command({c.name, "1000", "1"}));
        // A child that still starts would say that its parent has ended.
        REQUIRE(demo.output_has(c.line, c.children));
        pid_t child = children_of(demo.pid()).back();
        REQUIRE(kill(child, SIGKILL) == 0);
        CHECK(demo.wait() == 1);
        CHECK(demo.errors == std::string(c.name) + ": child " +
                                 std::to_string(child) +
                                 ": killed by signal 9\n");
        CHECK(count_of("send", demo.output) == 0);
    }
}
