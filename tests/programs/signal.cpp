// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <string>
#include <unistd.h>

#include "programs/demos.h"
#include "support/judge.h"
#include "support/proc.h"
#include "support/waiting.h"

TEST_CASE("each alarm interrupts a sleep") {
    check_each_start({program("signal"), "1", "100"}, [](const Run &signal) {
        CHECK(signal.status == 0);
        CHECK(signal.errors.empty());
        CHECK(signal.output == "wait...\nTime out!\nwait...\nTime out!\n"
                               "wait...\nTime out!\n");
    });
}

TEST_CASE("each signal interrupts a sleep, and is reported once") {
    Process signal({program("signal"), "1000", "1000"});
    int i = 0;
    for (int signo : {SIGINT, SIGALRM, SIGINT}) {
        REQUIRE(signal.output_has("wait...\n", ++i));
        await_sleep(signal.pid());
        signal.signal(signo);
    }
    CHECK(signal.wait() == 0);
    CHECK(signal.output == "wait...\nCTRL+C pressed\nwait...\nTime out!\n"
                           "wait...\nCTRL+C pressed\n");
}

TEST_CASE("an uninterrupted sleep ends by itself") {
    Run signal = run({program("signal"), "1000", "0"});
    CHECK(signal.status == 0);
    CHECK(signal.output == "wait...\nwait...\nwait...\n");
}

TEST_CASE("being stopped and continued is not reported") {
    Process signal({program("signal"), "2", "1000"});
    REQUIRE(signal.output_has("wait...\n"));
    signal.signal(SIGSTOP);
    CHECK(eventually([&] { return process_state(signal.pid()) == "T"; }));
    signal.signal(SIGCONT);
    CHECK(signal.output_has("Time out!\n"));
    CHECK(count_of("wait...\n", signal.output.substr(
                                    0, signal.output.find("Time out!"))) == 1);
}

TEST_CASE("output that cannot be written is a failure") {
    check_unwritable({program("signal"), "1"});
}

TEST_CASE("invalid arguments are named") {
    check_wrong_words("signal");
    CHECK(run({program("signal"), "0"}).status == 2); // alarm(0) cancels
}
