// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "common/reap.h"
#include "support/support.h"

using Statuses = std::map<pid_t, int>;

static void note(pid_t pid, int status, void *context) {
    (*static_cast<Statuses *>(context))[pid] = status;
}

static std::string words(int status) {
    char text[status_text_size];
    describe_status(status, text);
    return text;
}

// A child that lives until WRITE_END of PIPE is closed, then exits STATUS.
static pid_t child_until(const Pipe &pipe, int status) {
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        ::close(pipe.write_end.get());
        _exit(read(pipe.read_end.get(), &byte, 1) == 0 ? status : 99);
    }
    return pid;
}

TEST_CASE("without children there is nothing to reap, and ECHILD says so") {
    Statuses reaped;
    CHECK(reap_children(note, &reaped) == -1);
    CHECK(errno == ECHILD);
    CHECK(reaped.empty());
}

TEST_CASE("a child that runs, or is stopped, is left alone") {
    Pipe pipe = make_pipe();
    pid_t pid = child_until(pipe, 0);
    Statuses reaped;
    CHECK(reap_children(note, &reaped) == 0);
    REQUIRE(kill(pid, SIGSTOP) == 0);
    CHECK(eventually([pid] { return process_state(pid) == "T"; }));
    CHECK(reap_children(note, &reaped) == 0);
    CHECK(reaped.empty());
    REQUIRE(kill(pid, SIGKILL) == 0);
    CHECK(eventually([&] { return reap_children(note, &reaped) == -1; }));
    CHECK(words(reaped[pid]) == "killed by signal 9");
}

TEST_CASE("one child is reaped, and no other") {
    Pipe pipe = make_pipe();
    pid_t asked = child_until(pipe, 3);
    pid_t other = child_until(pipe, 4);
    Statuses reaped;
    CHECK(reap_child(asked, note, &reaped) == 0);
    CHECK(reaped.empty());
    pipe.write_end.close();
    for (pid_t pid : {asked, other})
        CHECK(eventually([pid] { return process_state(pid) == "Z"; }));
    CHECK(reap_child(asked, note, &reaped) == 1);
    CHECK(reaped.size() == 1);
    CHECK(words(reaped[asked]) == "exited 3");
    CHECK(reap_child(asked, note, &reaped) == -1);
    CHECK(errno == ECHILD);
    CHECK(reap_child(-1, note, &reaped) == 1);
    CHECK(words(reaped[other]) == "exited 4");
}

TEST_CASE("one call reaps all that have ended") {
    constexpr int count = 50;
    Pipe pipe = make_pipe();
    Statuses expected;
    for (int i = 0; i < count; i++)
        expected[child_until(pipe, i)] = i;
    pipe.write_end.close();
    for (const auto &child : expected)
        CHECK(eventually([&] { return process_state(child.first) == "Z"; }));
    Statuses reaped;
    CHECK(reap_children(note, &reaped) == -1);
    CHECK(errno == ECHILD);
    CHECK(reaped.size() == count);
    for (const auto &child : expected)
        CHECK(WEXITSTATUS(reaped[child.first]) == child.second);
}

TEST_CASE("a status is told in words") {
    CHECK(words(W_EXITCODE(0, 0)) == "exited 0");
    CHECK(words(W_EXITCODE(3, 0)) == "exited 3");
    CHECK(words(W_EXITCODE(255, 0)) == "exited 255");
    CHECK(words(W_EXITCODE(0, SIGKILL)) == "killed by signal 9");
    CHECK(words(W_EXITCODE(0, SIGSEGV) | WCOREFLAG) == "killed by signal 11");
}
