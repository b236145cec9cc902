// SPDX-License-Identifier: MIT
// The audits of the server.
#include <doctest/doctest.h>

#include "audits/audits.h"
#include "support/server.h"

static Words echo_mpserv() {
    return server_command({"-c", "2000", "0"});
}

static void check(const Findings &findings) {
    CHECK_MESSAGE(findings.empty(), text_of(findings));
}

TEST_CASE("parent and child hold what is theirs and nothing else") {
    check(audit_descriptors(echo_mpserv()));
}

TEST_CASE("parent and child catch, ignore and block what they should") {
    check(audit_signals(echo_mpserv()));
}

TEST_CASE("parent and child sleep while there is nothing to do") {
    check(audit_idle(echo_mpserv()));
}

TEST_CASE("a drain lets the clients finish, and loses no process") {
    check(audit_drain(echo_mpserv()));
}

TEST_CASE("each line is whole, one write, and one for each client") {
    check(audit_lines(echo_mpserv()));
}

TEST_CASE("a log that has lost its reader stops nobody") {
    check(audit_broken_log(echo_mpserv()));
}

TEST_CASE("no byte is lost where a write is cut short") {
    check(audit_echo(echo_mpserv()));
}

TEST_CASE("however many children end at once, none stays a zombie") {
    for (int clients : {1, 2, 50, 500, 1000}) {
        CAPTURE(clients);
        check(audit_storm(echo_mpserv(), clients));
    }
}
