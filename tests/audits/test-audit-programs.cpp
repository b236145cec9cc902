// SPDX-License-Identifier: MIT
// The audits of the client and of the demonstrations.
#include <csignal>
#include <doctest/doctest.h>

#include "audits/audits.h"
#include "support/process.h"

static void check(const Findings &findings) {
    CHECK_MESSAGE(findings.empty(), text_of(findings));
}

static const Words &client() {
    static const Words words = {program("echo_mpclient"), "-4"};
    return words;
}

TEST_CASE("the client holds one connection, and sleeps while nobody types") {
    check(audit_client(client()));
}

TEST_CASE("however the client ends, no process is left") {
    check(audit_client_ends(client()));
}

TEST_CASE("the demonstrations hold nothing but their output while they sleep") {
    check(audit_demonstrations({
        {{program("fork")}, 0, 1, "S", {}, true},
        {{program("zombie"), "1000"}, 4, 1, "Z", {}},
        {{program("wait"), "1000"}, 4, 0, "", {}},
        {{program("waitpid"), "1000", "1000"}, 0, 1, "S", {}},
        {{program("signal"), "1000", "1000"}, 1, 0, "", {SIGALRM, SIGINT}},
        {{program("sigaction"), "1000", "1000"}, 1, 0, "", {SIGALRM}},
        {{program("remove_zombie"), "1000", "1000"}, 5, 2, "S", {SIGCHLD}},
    }));
}

TEST_CASE("the demonstrations leave no process, zombie the one it shows") {
    check(audit_demonstration_end({program("fork")}, 0));
    check(audit_demonstration_end({program("zombie"), "0"}, 1));
    check(audit_demonstration_end({program("wait"), "0"}, 0));
    check(audit_demonstration_end({program("waitpid"), "0", "1"}, 0));
    check(audit_demonstration_end({program("signal"), "1", "0"}, 0));
    check(audit_demonstration_end({program("sigaction"), "1", "0"}, 0));
    check(audit_demonstration_end({program("remove_zombie"), "0", "0"}, 0));
}
