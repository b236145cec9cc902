// SPDX-License-Identifier: MIT
// mpaudit itself: it finds nothing in echo_mpserv, and in what is wrong on
// purpose each mistake.
#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <iostream>
#include <unistd.h>

#include "support/judge.h"
#include "support/machine.h"
#include "support/parallel.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/server.h"

static Words audit(Words options, const Words &server) {
    options.insert(options.begin(), test_program("mpaudit"));
    options.push_back("--");
    options.insert(options.end(), server.begin(), server.end());
    return options;
}

// It has its own time-outs.
static std::string printed_by(const Words &words, int *status) {
    Process process(words);
    while (!process.has_ended())
        nap();
    *status = process.wait();
    return process.output + process.errors;
}

// ---- the server, and what is wrong on purpose -------------------------------

struct Mistake {
    const char *server;            // a mutant, or the book's
    const char *check;             // which finds it
    const char *comment = nullptr; // where any other server may choose so
};

static const Mistake mistakes[] = {
    {"book_server", "zombies-50"},
    {"book_server", "sigchld-blocked"},
    {"book_server", "descriptor-limit"},
    {"book_server", "stalls"},
    {"book_server", "restart"},
    {"accept-ends-the-server-without-descriptors", "descriptor-limit"},
    {"child-forks", "sighup"},
    {"child-forks", "sigterm-to-all"},
    {"child-keeps-the-listener", "listener-in-child"},
    {"child-keeps-the-listener", "parent-killed"},
    {"child-keeps-the-listener", "sigterm", "it listens on"},
    {"drain-leaves-children", "sigterm", "it ends at once"},
    {"listener-kept-in-the-drain", "sigterm", "it listens on"},
    {"loses-signals", "process-limit"},
    {"no-grace", "sigterm", "its clients are cut"},
    {"one-child-a-signal", "zombies-50"},
    {"one-clients-error-ends-the-server", "accept-errors"},
    {"parent-keeps-the-client", "client-in-parent"},
    {"parent-keeps-the-client", "descriptors"},
    {"short-write-dropped", "stopped-child"},
    {"sigpipe-ends-the-server", "log-closed"},
    {"spins-when-out-of-descriptors", "descriptor-limit"},
    {"wrong-status-of-the-server", "sigterm", "it ends with status 3"},
    {"zombie-left", "zombies-1"},
};

static std::string line_of(const Mistake &mistake) {
    std::string check = mistake.check;
    return mistake.comment == nullptr
               ? "not ok 1 - " + check + ": .*"
               : "# " + check + ": .*" + mistake.comment + ".*";
}

static int count_lines(const std::string &text, const std::string &expression) {
    std::vector<std::string> lines = lines_of(text);
    return static_cast<int>(
        std::ranges::count_if(lines, [&](const std::string &line) {
            return matches(line, expression);
        }));
}

TEST_CASE("it finds nothing in the server") {
    int status = -1;
    std::string text = printed_by(
        audit({"-t", "20"},
              server_command({"-c", "2000", "-g", "1000", "{port}"})),
        &status);
    INFO(text);
    CHECK(status == 0);
    CHECK(count_lines(text, "not ok .*") == 0);
    CHECK(count_lines(text, ".* a process for each client") == 1);
    CHECK(count_lines(text, "ok .* # SKIP .*") ==
          count_lines(text, "ok [0-9]+ - (accept-errors|process-limit|"
                            "restart): .* # SKIP .*"));
    for (const Mistake &mistake : mistakes)
        CHECK(count_lines(text, line_of(mistake)) == 0);
}

TEST_SUITE_BEGIN("controls");

// Each mostly waits.
TEST_CASE("it finds each mistake, with its evidence") {
    std::vector<std::function<void()>> bodies;
    for (const Mistake &mistake : mistakes)
        bodies.push_back([&mistake] {
            std::string name = mistake.server;
            Words server = {test_program("../mutants/" + name), "-S", "-g",
                            "1000", "{port}"};
            if (name == "book_server")
                server = {test_program(name), "{port}"};
            // On a busy machine a check that gives up too early is skipped.
            Words options = {"-t", "10", "-k", mistake.check};
            int status = -1;
            std::cout << printed_by(audit(options, server), &status)
                      << std::flush;
        });
    run_in_parallel(
        bodies, 8, [](size_t i, bool well, const std::string &text) {
            if (count_of("# SKIP strace(1)", text) > 0)
                return; // as in some containers
            const Mistake &mistake = mistakes[i];
            std::string server = mistake.server;
            CAPTURE(server);
            CAPTURE(text);
            CHECK(well);
            CHECK(count_lines(text, line_of(mistake)) == 1);
            CHECK(count_of("  ---\n  found:\n    - message: \"", text) ==
                  (mistake.comment == nullptr ? 1 : 0));
        });
}

TEST_SUITE_END();

TEST_CASE("its JSON has the same") {
    int status = -1;
    std::string text = printed_by(
        audit({"-jk", "stalls"}, {test_program("book_server"), "{port}"}),
        &status);
    INFO(text);
    CHECK(status == 1);
    std::vector<std::string> lines = lines_of(text);
    REQUIRE(lines.size() == 2);
    CHECK(matches(lines[1],
                  "\\{\"number\": 1, \"name\": \"stalls\", .*\"result\": "
                  "\"not ok\", .*\"faults\": \\[\\{\"message\": .*\\}\\], "
                  "\"comments\": \\[.*\\]\\}"));
}

// ---- how it is used ---------------------------------------------------------

TEST_CASE("what a client sends and expects need not be an echo") {
    Words options = {"-s", "hi\\n", "-e", "hi\\n", "-k", "half-close"};
    Run other = run(audit(options, server_command({"{port}"})));
    CHECK(other.status == 0);
    CHECK(count_of("ok 1 - half-close: ", other.output) == 1);
    CHECK(count_of("# SKIP it needs an echo", other.output) == 1);
}

TEST_CASE("IPv6") {
    if (!have_ipv6())
        return;
    Words server = server_command({"-a", "::1", "{port}"});
    CHECK(run(audit({"-6", "-k", "zombies-1"}, server)).status == 0);
    CHECK(run(audit({"-k", "zombies-1", "-t", "1"}, server)).status == 3);
}

TEST_CASE("a server that does not start is reported, with its words") {
    Run bad = run(audit({}, server_command({"-x", "{port}"})));
    CHECK(bad.status == 3);
    CHECK(count_of("it ended with status 2", bad.errors) == 1);
    CHECK(count_of("option '-x'", bad.errors) == 1);
    Run none = run(audit({}, {"/no/such/server", "{port}"}));
    CHECK(none.status == 3);
    CHECK(count_of("/no/such/server: No such file", none.errors) == 1);
    Run dumb = run(audit({"-t", "1"}, {"/bin/sleep", "9", "{port}"}));
    CHECK(dumb.status == 3);
}

TEST_CASE("wrong usage is named") {
    const struct {
        Words words;
        const char *message;
    } cases[] = {
        {{}, "command is missing"},
        {{"true"}, "command: no argument has {port}"},
        {{"-k", "x*", "true"}, "checks: no name matches 'x*'"},
        {{"-t", "0", "true"}, "timeout: '0' is not a number from 1 to 1000"},
        {{"-e", "\\q", "true"}, "expect: '\\q' has an unknown escape"},
        {{"-z"}, "option '-z' is unknown or takes no argument"},
        {{"-s"}, "option '-s' needs an argument"},
    };
    for (const auto &c : cases) {
        Words words = c.words;
        words.insert(words.begin(), test_program("mpaudit"));
        Run bad = run(words);
        CAPTURE(bad.errors);
        CHECK(bad.status == 2);
        CHECK(bad.errors.starts_with(std::string("mpaudit: ") + c.message));
    }
}

TEST_CASE("interrupted, it leaves no process behind") {
    for (int signo : {SIGHUP, SIGINT, SIGTERM}) {
        Process process(audit({}, server_command({"{port}"})));
        REQUIRE(process.output_has("\nok 2 "));
        process.signal(signo);
        CHECK(process.wait() == 128 + signo);
        // Whatever it had started would now be this test's to reap.
        CHECK(children_of(getpid()).empty());
    }
}

TEST_CASE("a daemon is found, by its PID file too") {
    std::string command = server_command({"{port}"})[0] +
                          " -S {port} >/dev/null 2>&1 & echo $! >$0";
    std::string file = "/tmp/mpaudit-" + std::to_string(getpid()) + ".pid";
    Words daemon = {"/bin/sh", "-c", command, file};
    Run audited = run(audit({"-p", file, "-k", "sigterm"}, daemon));
    CAPTURE(audited.output);
    CAPTURE(audited.errors);
    CHECK(audited.status == 0);
    Run wrong = run(audit({"-p", "/dev/null", "-k", "sigterm"}, daemon));
    CHECK(wrong.status == 3);
    unlink(file.c_str());
}
