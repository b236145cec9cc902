// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <unistd.h>

#include "network.h"
#include "support.h"

constexpr int skipped = 77; // as Meson has it

TEST_CASE("nobody outside a network is met at its ports") {
    int port = 0;
    Fd stranger = listen_locally(&port);
    REQUIRE(is_listening(port));
    Run child = run_in_child([port] {
        if (!enter_own_network())
            _exit(skipped);
        REQUIRE_FALSE(is_listening(port));
        int own_port = 0;
        Fd listener = listen_locally(&own_port);
        REQUIRE(is_listening(own_port));
    });
    if (child.status == skipped) {
        puts("skipped: a network of its own is not allowed here");
        exit(skipped);
    }
    CHECK_MESSAGE(child.status == 0, child.output);
}
