// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <string>
#include <unistd.h>

#include "programs/demos.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/waiting.h"

TEST_CASE("the parent polls until the child has terminated") {
    check_each_start({program("waitpid"), "1", "1"}, [](const Run &waitpid) {
        CHECK(waitpid.status == 0);
        CHECK(waitpid.errors.empty());
        CHECK_MESSAGE(matches(waitpid.output, "(sleep 1sec\\.\n)+"
                                              "Child send 24\n"),
                      waitpid.output);
    });
}

TEST_CASE("a stopped child has not terminated") {
    Process stopped({program("waitpid"), "2", "1"});
    pid_t child = only_child_of(stopped.pid());
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE(stopped.output_has("sleep 1sec.", 3));
    CHECK(count_of("Child send", stopped.output) == 0);
    REQUIRE(kill(child, SIGCONT) == 0);
    CHECK(stopped.output_has("Child send 24"));
    CHECK(stopped.wait() == 0);
}

TEST_CASE("a child that is killed is reported") {
    Process waitpid({program("waitpid"), "1000", "1"});
    pid_t child = only_child_of(waitpid.pid());
    REQUIRE(kill(child, SIGKILL) == 0);
    CHECK(waitpid.wait() == 1);
    CHECK(waitpid.errors ==
          "waitpid: child " + std::to_string(child) + ": killed by signal 9\n");
    CHECK(count_of("Child send", waitpid.output) == 0);
}

TEST_CASE("the child terminates if its parent is killed") {
    Process waitpid({program("waitpid"), "1000", "1"});
    // By this line the child has called prctl(PR_SET_PDEATHSIG).
    REQUIRE(waitpid.output_has("sleep 1sec."));
    waitpid.signal(SIGKILL);
    waitpid.wait();
    CHECK(eventually([&] { return group_is_empty(waitpid.pid()); }));
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("waitpid"), "1000", "1"});
}

TEST_CASE("a fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    check_failing_forks({program("waitpid"), "0", "1"}, 1);
}

TEST_CASE("invalid arguments are named") {
    check_wrong_words("waitpid");
}
