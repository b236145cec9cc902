// SPDX-License-Identifier: MIT
// Whether tests/support/reports.sh reports each mistake that its tool can find,
// even one made by a child whose status is never looked at.
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>

#include "support/process.h"

static std::string setting(const char *name) {
    const char *value = getenv(name);
    REQUIRE_MESSAGE(value != nullptr, name, ": run by `meson test`");
    return value;
}

static Run run_reported(const std::string &command, const std::string &word) {
    return run({"/bin/sh", setting("REPORTS_SCRIPT"), setting("REPORTS_TOOL"),
                command, word});
}

struct Mistake {
    const char *name, *reported;
};

static const Mistake for_sanitizers[] = {
    {"overrun", "heap-buffer-overflow"},
    {"undefined", "SUMMARY: UndefinedBehaviorSanitizer"},
    {"leak", "detected memory leaks"},
};
static const Mistake for_valgrind[] = {
    {"overrun", "Invalid write of size 1"},
    {"uninitialized", "depends on uninitialised value"},
    {"leak", "definitely lost"},
};

// LeakSanitizer only looks when main returns: that leak is the parent's.
TEST_CASE("a report in any process fails the test, and is shown") {
    bool sanitizer = setting("REPORTS_TOOL") == "sanitizer";
    for (const Mistake &mistake : sanitizer ? for_sanitizers : for_valgrind) {
        CAPTURE(std::string(mistake.name));
        Run wrong = run_reported(setting("WRONG_MEMORY"), mistake.name);
        CHECK(wrong.status == 1);
        CHECK_MESSAGE(count_of(mistake.reported, wrong.errors) >= 1,
                      wrong.errors);
    }
}

TEST_CASE("where there is no report the status is the test's own") {
    Run none = run_reported(setting("WRONG_MEMORY"), "none");
    CHECK(none.status == 0);
    CHECK(none.errors.empty());
    Run usage = run_reported(setting("WRONG_MEMORY"), "no mistake at all");
    CHECK(usage.status == 2);
    CHECK(usage.errors.empty());
}
