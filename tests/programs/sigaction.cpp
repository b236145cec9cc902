// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <unistd.h>

#include "programs/demos.h"
#include "support/judge.h"

TEST_CASE("each alarm interrupts a sleep") {
    check_each_start({program("sigaction"), "1", "100"}, [](const Run &demo) {
        CHECK(demo.status == 0);
        CHECK(demo.errors.empty());
        CHECK(demo.output == "wait...\nTime out!\nwait...\nTime out!\n"
                             "wait...\nTime out!\n");
    });
}

TEST_CASE("an uninterrupted sleep ends by itself") {
    Run demo = run({program("sigaction"), "1000", "0"});
    CHECK(demo.status == 0);
    CHECK(demo.output == "wait...\nwait...\nwait...\n");
}

TEST_CASE("an alarm is reported once") {
    Process demo({program("sigaction"), "1000", "1"});
    REQUIRE(demo.output_has("wait...\n"));
    demo.signal(SIGALRM);
    CHECK(demo.wait() == 0);
    CHECK(count_of("Time out!\n", demo.output) == 1);
}

TEST_CASE("SIGALRM from outside counts, and Ctrl-C terminates it") {
    Process demo({program("sigaction"), "1000", "1000"});
    REQUIRE(demo.output_has("wait...\n"));
    await_sleep(demo.pid());
    demo.signal(SIGALRM);
    CHECK(demo.output_has("Time out!\nwait...\n"));
    demo.signal(SIGINT);
    CHECK(demo.wait() == 128 + SIGINT);
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("sigaction"), "1"});
}

TEST_CASE("invalid arguments are named") {
    check_wrong_words("sigaction");
    CHECK(run({program("sigaction"), "0"}).status == 2); // alarm(0) cancels
}
