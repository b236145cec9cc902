// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "programs/demos.h"
#include "support/judge.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/waiting.h"

// The children may terminate in either order; each ID has its own status.
static void check_output(const std::string &output) {
    std::vector<std::string> lines = lines_of(output);
    CHECK(lines.size() == 13);
    CHECK(count_of("Hi! I'm child process\n", output) == 2);
    CHECK(count_of("wait...\n", output) == 5);
    CHECK(count_of("Child send: 12\n", output) == 1);
    CHECK(count_of("Child send: 24\n", output) == 1);
    std::vector<std::string> started;
    for (size_t i = 0; i < lines.size(); i++) {
        if (lines[i].starts_with("Child proc id: "))
            started.push_back(lines[i].substr(15));
        if (lines[i].starts_with("Removed proc id: ")) {
            REQUIRE(started.size() == 2);
            bool first = lines[i].substr(17) == started[0];
            CHECK((first || lines[i].substr(17) == started[1]));
            REQUIRE(i + 1 < lines.size());
            CHECK(lines[i + 1] ==
                  (first ? "Child send: 12" : "Child send: 24"));
        }
    }
}

TEST_CASE("both children are reaped") {
    check_each_start({program("remove_zombie"), "1", "1"}, [](const Run &demo) {
        CHECK(demo.status == 0);
        CHECK(demo.errors.empty());
        check_output(demo.output);
    });
}

TEST_CASE("children that terminate while it is stopped are both reaped") {
    Process demo({program("remove_zombie"), "1", "1000"});
    REQUIRE(demo.output_has("wait...\n"));
    await_sleep(demo.pid());
    demo.signal(SIGSTOP); // two SIGCHLD become one
    for (pid_t child : children_of(demo.pid()))
        CHECK(eventually([child] { return process_state(child) == "Z"; }));
    demo.signal(SIGCONT);
    CHECK(demo.output_has("Child send: ", 2));
    CHECK(children_of(demo.pid()).empty());
}

TEST_CASE("children that outlast the five waits are waited for") {
    Run demo = run({program("remove_zombie"), "1", "0"});
    CHECK(demo.status == 0);
    check_output(demo.output);
}

TEST_CASE("no zombie is left, and a stopped child is not reaped") {
    Process demo({program("remove_zombie"), "2", "1000"});
    REQUIRE(demo.output_has("Child proc id: ", 2));
    REQUIRE(demo.output_has("wait...\n"));
    await_sleep(demo.pid());
    size_t at = demo.output.find("Child proc id: ") + 15;
    pid_t first = std::stoi(demo.output.substr(at));
    REQUIRE(kill(first, SIGSTOP) == 0);
    REQUIRE(demo.output_has("Child send: 24\n"));
    CHECK(count_of("Removed", demo.output) == 1);
    CHECK(children_of(demo.pid()) == std::vector<pid_t>{first});
    REQUIRE(kill(first, SIGCONT) == 0);
    REQUIRE(demo.output_has("Child send: 12\n"));
    CHECK(children_of(demo.pid()).empty());
}

TEST_CASE("a child that is killed is reported") {
    Process demo({program("remove_zombie"), "1000", "1"});
    // A child that still starts would say that its parent has ended.
    REQUIRE(demo.output_has("Hi! I'm child process\n", 2));
    REQUIRE(demo.output_has("Child proc id: ", 2));
    size_t at = demo.output.rfind("Child proc id: ") + 15;
    pid_t second = std::stoi(demo.output.substr(at));
    REQUIRE(kill(second, SIGKILL) == 0);
    CHECK(demo.wait() == 1);
    CHECK(demo.errors == "remove_zombie: child " + std::to_string(second) +
                             ": killed by signal 9\n");
    CHECK(count_of("Removed", demo.output) == 0);
    CHECK(eventually([&] { return group_is_empty(demo.pid()); }));
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("remove_zombie"), "1000", "1"});
}

TEST_CASE("a first or second fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    check_failing_forks({program("remove_zombie"), "1000", "1"}, 2);
}

TEST_CASE("invalid arguments are named") {
    check_wrong_words("remove_zombie");
}
