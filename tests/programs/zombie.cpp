// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <string>

#include "programs/demos.h"
#include "support/machine.h"
#include "support/proc.h"

TEST_CASE("the child's lines, its ID and its state are printed") {
    check_each_start({program("zombie"), "0"}, [](const Run &zombie) {
        CHECK(zombie.status == 0);
        CHECK(zombie.errors.empty());
        CHECK(lines_of(zombie.output).size() == 5);
        CHECK(count_of("Hi, I am a child process\n", zombie.output) == 1);
        CHECK(count_of("End child process\n", zombie.output) == 1);
        CHECK(count_of("Child Process ID: ", zombie.output) == 1);
        CHECK(zombie.output.ends_with(
            "Child State: Z (zombie)\nEnd parent process\n"));
    });
}

TEST_CASE("there is a zombie while the parent sleeps") {
    Process zombie({program("zombie"), "1000"});
    REQUIRE(zombie.output_has("Child State"));
    size_t at = zombie.output.find("Child Process ID: ") + 18;
    pid_t child = std::stoi(zombie.output.substr(at));
    CHECK(process_state(child) == "Z");
    CHECK(descriptors_of(zombie.pid()).size() == 3);
    CHECK(status_field(child, "PPid") == std::to_string(zombie.pid()));
    CHECK_FALSE(zombie.has_ended());
    zombie.signal(SIGTERM);
    CHECK(zombie.wait() == 128 + SIGTERM);
}

TEST_CASE("another PID namespace's process is not mistaken for its child" *
          doctest::skip(!have_pid_namespaces())) {
    StartOptions start;
    start.in_child = become_process_1; // but with the outer /proc
    Run zombie = run({program("zombie"), "0"}, start);
    CHECK(zombie.status == 1);
    CHECK(count_of("Child State", zombie.output) == 0);
    CHECK(zombie.errors == "zombie: /proc belongs to another PID namespace\n");
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("zombie"), "0"});
}

TEST_CASE("a fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    check_failing_forks({program("zombie"), "0"}, 1);
}

TEST_CASE("invalid arguments are named") {
    check_wrong_words("zombie");
}
