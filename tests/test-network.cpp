// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include "network.h"
#include "support.h"

constexpr int not_allowed = 77;

TEST_CASE("nobody outside a network is met at its ports") {
    int port = 0;
    Fd stranger = listen_locally(&port);
    REQUIRE(is_listening(port));
    Run child = run_in_child([port] {
        if (!enter_own_network())
            _exit(not_allowed);
        REQUIRE_FALSE(is_listening(port));
        int own_port = 0;
        Fd listener = listen_locally(&own_port);
        REQUIRE(is_listening(own_port));
    });
    if (child.status == not_allowed)
        MESSAGE("a network of its own is not allowed here");
    else
        CHECK_MESSAGE(child.status == 0, child.output);
}
