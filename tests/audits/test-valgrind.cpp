// SPDX-License-Identifier: MIT
// Each program under valgrind, parents and children: no error, no memory lost,
// no descriptor left open.
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "audits/memcheck.h"
#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"

static void check_silent(Memcheck &memcheck, int processes, int killed = 0) {
    Findings findings = memcheck.findings(processes, killed);
    CHECK_MESSAGE(findings.empty(), text_of(findings), "\n", memcheck.text());
}

TEST_CASE("the server and the children of clients that end in each way") {
    Memcheck memcheck({program("echo_mpserv"), "-g", "1000", "0"});
    Process &server = memcheck.process;
    REQUIRE_MESSAGE(server.output_has("\n"), server.errors);
    int port = announced_port(server.output);
    Fd orderly = dial(port);
    Fd resetting = dial(port);
    Fd staying = dial(port);
    for (const Fd *client : {&orderly, &resetting, &staying})
        CHECK(echoes(*client, "hello"));
    finish_sending(orderly);
    CHECK(receive_to_end(orderly).empty());
    reset_connection(resetting);
    CHECK(server.output_has("removed proc id", 2));
    server.signal(SIGTERM);
    CHECK(echoes(staying, "hello")); // a killed child reports nothing
    staying.close();
    CHECK(server.wait() == 0);
    CHECK(server.output_has("removed proc id", 3));
    check_silent(memcheck, 4);
}

TEST_CASE("the client and its writer, whoever ends first") {
    Server server;
    std::vector<std::string> words = {program("echo_mpclient"), "127.0.0.1",
                                      std::to_string(server.port)};
    Fd typed = scratch_file("hello\nq\n");
    StartOptions start;
    start.input = typed.get();
    Memcheck orderly(words, start);
    CHECK(orderly.process.wait() == 0);
    check_silent(orderly, 2);
    REQUIRE(server.output_has("removed proc id"));
    Pipe keyboard = make_pipe(); // stays open, so the writer must be killed
    start.input = keyboard.read_end.get();
    Memcheck ended(words, start);
    REQUIRE(write(keyboard.write_end.get(), "hello\n", 6) == 6);
    REQUIRE(ended.process.output_has("hello\n"));
    kill(only_child_of(server.pid()), SIGKILL);
    CHECK(ended.process.wait() == 1);
    check_silent(ended, 2, 1);
}

TEST_CASE("the demonstrations and their children") {
    struct {
        std::vector<std::string> words;
        int processes;
    } demos[] = {
        {{"fork"}, 2},
        {{"zombie", "0"}, 2},
        {{"wait", "0"}, 3},
        {{"waitpid", "0", "1"}, 2},
        {{"signal", "1", "1"}, 1},
        {{"sigaction", "1", "1"}, 1},
        {{"remove_zombie", "1", "1"}, 3},
    };
    for (auto &demo : demos) {
        demo.words[0] = program(demo.words[0]);
        CAPTURE(demo.words[0]);
        Memcheck memcheck(demo.words);
        CHECK(memcheck.process.wait() == 0);
        check_silent(memcheck, demo.processes);
    }
}

// ---- negative controls ------------------------------------------------------

static Findings findings_of(const char *mistake, int processes = 2) {
    const char *wrong = getenv("WRONG_MEMORY");
    REQUIRE_MESSAGE(wrong != nullptr, "run by `meson test`");
    Memcheck memcheck({wrong, mistake});
    CHECK(memcheck.process.wait() == 0);
    return memcheck.findings(processes);
}

TEST_CASE("each mistake is found, and nothing where there is none") {
    struct {
        const char *mistake;
        size_t count;
        Invariant invariant;
        const char *what;
    } cases[] = {
        {"none", 0, {}, ""},
        {"overrun", 1, Invariant::memory, "Invalid write of size 1"},
        {"uninitialized", 1, Invariant::memory, "uninitialised value"},
        {"leak", 2, Invariant::memory, "10 bytes in 1 blocks are definitely"},
        {"open_descriptor", 1, Invariant::child_descriptors, ": /dev/null"},
        {"open_listener", 1, Invariant::child_descriptors, "AF_INET socket"},
    };
    for (const auto &c : cases) {
        Findings findings = findings_of(c.mistake);
        CAPTURE(text_of(findings));
        CHECK(findings.size() == c.count);
        for (const Finding &finding : findings) {
            CHECK(finding.invariant == c.invariant);
            CHECK(count_of(c.what, finding.what) == 1);
        }
    }
}

TEST_CASE("a process without a report is found") {
    CHECK(findings_of("none", 3).size() == 1);
}
