// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <string>
#include <unistd.h>

#include "support/machine.h"
#include "support/proc.h"
#include "support/process.h"

TEST_CASE("a test started with standard descriptors closed opens them") {
    Run child = run_in_child([] {
        for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            close(fd);
        size_t others = descriptors_of(getpid()).size();
        prepare_test();
        Descriptors held = descriptors_of(getpid());
        bool opened = held[0] == "/dev/null" && held[1] == "/dev/null" &&
                      held[2] == "/dev/null" && held.size() == others + 3;
        _exit(opened ? 0 : 1);
    });
    CHECK(child.status == 0);
}
