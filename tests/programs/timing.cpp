// SPDX-License-Identifier: MIT
// Without arguments the demonstrations use the book's times. They run
// concurrently here, and are checked only against a minimum, because a busy
// machine may delay them.
#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/waiting.h"

struct Timed {
    const char *name;
    int at_least; // seconds
    const char *text;
    int count;
};

static const Timed demos[] = {
    {"signal", 6, "Time out!\n", 3},
    {"sigaction", 6, "Time out!\n", 3},
    {"waitpid", 15, "sleep 3sec.\n", 1}, // fewer if the machine stalls
    {"remove_zombie", 15, "wait...\n", 5},
    {"zombie", 30, "End parent process\n", 1},
    {"wait", 30, "Child send two: 7\n", 1},
};

TEST_CASE("each demonstration takes at least the book's time") {
    auto start = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<Process>> processes;
    for (const Timed &demo : demos)
        processes.push_back(std::make_unique<Process>(
            std::vector<std::string>{program(demo.name)}));
    size_t i = 0;
    for (const Timed &demo : demos) { // shortest first
        CAPTURE(std::string(demo.name));
        Process &process = *processes[i++];
        REQUIRE(eventually([&] { return process.has_ended(); }));
        std::chrono::duration<double> taken =
            std::chrono::steady_clock::now() - start;
        CHECK(process.wait() == 0);
        CHECK(taken.count() >= demo.at_least);
        CHECK(count_of(demo.text, process.output) >= demo.count);
    }
}
