// SPDX-License-Identifier: MIT
// The audits of the client and of the demonstrations.
#include <doctest/doctest.h>

#include "audits.h"

static void check(const Findings &findings) {
    CHECK_MESSAGE(findings.empty(), text_of(findings));
}

TEST_CASE("the client holds one connection, and sleeps while nobody types") {
    check(audit_client());
}

TEST_CASE("however the client ends, no process is left") {
    check(audit_client_ends());
}

TEST_CASE("the demonstrations hold nothing but their output while they sleep") {
    check(audit_demonstrations());
}

TEST_CASE("the demonstrations leave no process, zombie the one it shows") {
    check(audit_demonstration_ends());
}
