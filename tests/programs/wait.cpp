// SPDX-License-Identifier: MIT
#include <cerrno>
#include <doctest/doctest.h>
#include <unistd.h>

#include "programs/demos.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/reasons.h"

TEST_CASE("both statuses are collected, each with its name") {
    check_each_start({program("wait"), "0"}, [](const Run &wait) {
        CHECK(wait.status == 0);
        CHECK(wait.errors.empty());
        CHECK_MESSAGE(matches(wait.output, "Child PID: [0-9]+\n"
                                           "Child PID: [0-9]+\n"
                                           "Child send one: 3\n"
                                           "Child send two: 7\n"),
                      wait.output);
    });
}

TEST_CASE("there is no zombie while the parent sleeps") {
    Process wait({program("wait"), "1000"});
    REQUIRE(wait.output_has("Child send two: 7"));
    CHECK(children_of(wait.pid()).empty());
    CHECK_FALSE(wait.has_ended());
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("wait"), "0"});
}

TEST_CASE("a first or second fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    check_failing_forks({program("wait"), "0"}, 2);
}

TEST_CASE("after a fork that fails it does not wait for other children" *
          doctest::skip(!can_become_limited_user())) {
    StartOptions start;
    start.in_child = [] {
        become_limited_user(3);
        if (fork() == 0)
            _exit(pause());
    };
    Process wait({program("wait"), "0"}, start);
    CHECK(wait.wait() == 1);
    CHECK(count_of("fork: " + reason_of(EAGAIN), wait.errors) == 1);
}

TEST_CASE("invalid arguments are named") {
    check_wrong_words("wait");
}
