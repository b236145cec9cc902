// SPDX-License-Identifier: MIT
// The tool as a user starts it.
#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <ostream>
#include <unistd.h>

#include "faults/tracer.h"
#include "support/process.h"

static Run lifelines(std::vector<std::string> words,
                     const StartOptions &options = {}) {
    words.insert(words.begin(), test_program("lifelines"));
    return run(words, options);
}

namespace {
// A file of its own, removed at the end.
struct File {
    explicit File(const std::string &text = "") {
        char name[] = "/tmp/lifelines-test-XXXXXX";
        close(mkstemp(name));
        path = name;
        std::ofstream(path) << text;
    }
    ~File() {
        unlink(path.c_str());
    }
    std::string text() const {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string path;
};
} // namespace

TEST_CASE("wrong usage is told, with status 2") {
    for (std::vector<std::string> words :
         std::vector<std::vector<std::string>>{{},
                                               {"-T"},
                                               {"true"},
                                               {"-n", "0", "-T", "true"},
                                               {"-r", "a", "true"},
                                               {"-r", "a", "-w", "b"},
                                               {"-x"},
                                               {"--reed", "a"},
                                               {"-o"}}) {
        Run got = lifelines(words);
        CHECK(got.status == 2);
        CHECK(got.output == "");
        CHECK(matches(got.errors, "lifelines: .*\nusage: lifelines .*"));
    }
}

TEST_CASE("help goes to standard output") {
    Run got = lifelines({"--help"});
    CHECK(got.status == 0);
    CHECK(got.output.starts_with("usage: lifelines "));
}

TEST_CASE("a record that cannot be read is named, and where") {
    File wrong("7 1.000000 close(3) = 0\nhello\n"), empty;
    CHECK(lifelines({"-r", "/nonexistent"}).errors ==
          "lifelines: /nonexistent: No such file or directory\n");
    CHECK(lifelines({"-r", "/"}).errors == "lifelines: /: Is a directory\n");
    CHECK(lifelines({"-r", wrong.path}).errors ==
          "lifelines: " + wrong.path + ":2: not a line of strace's\n");
    Run got = lifelines({"-r", empty.path});
    CHECK(got.errors == "lifelines: " + empty.path + ": nothing is recorded\n");
    CHECK(got.status == 1);
}

TEST_CASE("a picture that cannot be written is told") {
    File record("7 1.000000 close(3) = 0\n");
    Run got = lifelines({"-r", record.path, "-o", "/dev/full"});
    CHECK(got.status == 1);
    CHECK(got.errors == "lifelines: /dev/full: No space left on device\n");
}

TEST_CASE("without strace the error names it") {
    Run got = lifelines({"-T", "true"}, {.environment = {"PATH=/nonexistent"}});
    CHECK(got.status == 1);
    CHECK(got.errors.starts_with("lifelines: strace: No such file"));
}

TEST_CASE("a run is drawn, and recorded" * doctest::test_suite("traced")) {
    if (std::string why = tracing_hindered(); !why.empty()) {
        MESSAGE("skipped: " << why);
        return;
    }
    File picture, record;
    Run got = lifelines({"-o", picture.path, "-w", record.path, "--", "sh",
                         "-c", "(exit 3); echo $?"});
    CHECK(got.status == 0);
    CHECK(got.output == "3\n");
    CHECK(picture.text().find(">exit 3</text>") != std::string::npos);
    CHECK(lifelines({"-r", record.path}).output == picture.text());

    got = lifelines({"-T", "--", "/nonexistent"});
    CHECK(got.status == 1);
    CHECK(got.errors.find("/nonexistent: nothing is recorded") !=
          std::string::npos);
}

TEST_CASE("Ctrl-C is for the program" * doctest::test_suite("traced")) {
    if (!tracing_hindered().empty())
        return;
    File picture;
    Process tool({test_program("lifelines"), "-o", picture.path, "--", "sh",
                  "-c",
                  "trap 'echo caught; exit' INT; echo ready; "
                  "while :; do sleep 0.1; done"});
    REQUIRE(tool.output_has("ready\n"));
    kill(-tool.pid(), SIGINT);
    CHECK(tool.wait() == 0);
    CHECK(tool.output == "ready\ncaught\n");
    CHECK(picture.text().find(">SIGINT from outside<") != std::string::npos);
}
