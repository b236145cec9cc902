// SPDX-License-Identifier: MIT
// Whether tests/support/reports.sh reports each mistake that its tool can find,
// even one made by a child that calls _exit and whose status is never looked
// at. It is this test that makes the mistake, run again.
#include <climits>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "support/process.h"

static std::string setting(const char *name) {
    const char *value = getenv(name);
    REQUIRE_MESSAGE(value != nullptr, name, ": run by `meson test`");
    return value;
}

// Volatile, so that no compiler optimizes a mistake away.
static volatile size_t size = 10;
static volatile int largest = INT_MAX;
static char *volatile held;

static void overrun() {
    held = static_cast<char *>(malloc(size));
    held[size] = 1;
    free(held);
}

static void undefined() {
    largest = largest + 1;
}

static void leak() {
    held = static_cast<char *>(malloc(size));
    held = nullptr;
}

static void uninitialized() {
    held = static_cast<char *>(malloc(size));
    if (held[0] == 'x')
        largest = 0;
    free(held);
}

static const struct {
    const char *name;
    void (*make)();
    const char *sanitizer, *valgrind; // what each reports; nullptr for nothing
} mistakes[] = {
    {"overrun", overrun, "heap-buffer-overflow", "Invalid write of size 1"},
    {"undefined", undefined, "SUMMARY: UndefinedBehaviorSanitizer", nullptr},
    {"leak", leak, "detected memory leaks", "definitely lost"},
    {"uninitialized", uninitialized, nullptr, "depends on uninitialised value"},
};

TEST_CASE("one mistake" * doctest::skip()) {
    for (const auto &mistake : mistakes) {
        if (setting("MISTAKE") != mistake.name)
            continue;
        pid_t pid = fork();
        if (pid == 0) {
            mistake.make();
            _exit(EXIT_SUCCESS);
        }
        CHECK(waitpid(pid, nullptr, 0) == pid);
        // LeakSanitizer only looks for leaks when main returns.
        if (mistake.make == leak)
            leak();
    }
}

static Run run_reported(std::vector<std::string> words,
                        const std::string &mistake) {
    words.insert(words.begin(), {"/bin/sh", setting("REPORTS_SCRIPT"),
                                 setting("REPORTS_TOOL")});
    return run(words, {.environment = {"MISTAKE=" + mistake}});
}

TEST_CASE("a report in any process fails the test, and is shown") {
    bool sanitizer = setting("REPORTS_TOOL") == "sanitizer";
    std::string self = std::filesystem::read_symlink("/proc/self/exe");
    std::vector<std::string> words = {self, "--no-skip", "-tc=one mistake"};
    for (const auto &mistake : mistakes) {
        const char *said = sanitizer ? mistake.sanitizer : mistake.valgrind;
        if (said == nullptr)
            continue;
        Run wrong = run_reported(words, mistake.name);
        CHECK(wrong.status == 1);
        CHECK_MESSAGE(count_of(said, wrong.errors) >= 1, wrong.errors);
    }
    Run none = run_reported(words, "none");
    CHECK(none.status == 0);
    CHECK(none.errors.empty());
}

TEST_CASE("where there is no report the status is the test's own") {
    Run other = run_reported({"/bin/sh", "-c", "exit 2"}, "none");
    CHECK(other.status == 2);
    CHECK(other.errors.empty());
}
