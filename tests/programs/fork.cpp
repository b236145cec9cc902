// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include "programs/demos.h"
#include "support/machine.h"

TEST_CASE("each process changes its own copies, and prints each line once") {
    check_each_start({program("fork")}, [](const Run &fork) {
        CHECK(fork.status == 0);
        CHECK(fork.output == "Child Proc: [13, 27]\nParent Proc: [9, 23]\n");
        CHECK(fork.errors.empty());
    });
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("fork")});
}

TEST_CASE("a fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    check_failing_forks({program("fork")}, 1);
}

TEST_CASE("invalid arguments are named") {
    Run wrong = run({program("fork"), "1"});
    CHECK(wrong.status == 2);
    CHECK(wrong.errors == "fork: unexpected argument '1'\nusage: fork\n");
    CHECK(run({program("fork"), "--help"}).output == "usage: fork\n");
}
