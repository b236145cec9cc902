// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <string>
#include <sys/wait.h>

#include "common/status.h"

static std::string words(int status) {
    char text[status_text_size];
    describe_status(status, text);
    return text;
}

TEST_CASE("a status is told in words") {
    CHECK(words(W_EXITCODE(0, 0)) == "exited 0");
    CHECK(words(W_EXITCODE(3, 0)) == "exited 3");
    CHECK(words(W_EXITCODE(255, 0)) == "exited 255");
    CHECK(words(W_EXITCODE(0, SIGKILL)) == "killed by signal 9");
    CHECK(words(W_EXITCODE(0, SIGSEGV) | WCOREFLAG) == "killed by signal 11");
}
