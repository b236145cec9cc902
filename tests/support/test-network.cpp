// SPDX-License-Identifier: MIT
#include <climits>
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

#include "support/machine.h"
#include "support/network.h"
#include "support/process.h"
#include "support/sockets.h"

static std::string own_network() {
    char link[NAME_MAX] = {};
    REQUIRE(readlink("/proc/self/ns/net", link, sizeof link - 1) > 0);
    return link + std::string("\n");
}

// The network of a command run by tests/support/alone.cpp without the
// capability DROPPED; "" where that cannot be dropped.
static std::string network_alone(int dropped) {
    Run alone = run({test_program("alone"), "readlink", "/proc/self/ns/net"},
                    {.in_child = [dropped] {
                        if (prctl(PR_CAPBSET_DROP, dropped, 0L, 0L, 0L) == -1)
                            _exit(skip_status);
                    }});
    if (alone.status == skip_status) {
        MESSAGE("skipped: no capability can be dropped here");
        return "";
    }
    CHECK(alone.status == 0);
    CHECK(alone.errors.empty());
    return alone.output;
}

TEST_CASE("without permission to leave it, the network stays and works") {
    for (int dropped : {CAP_NET_ADMIN, CAP_SYS_ADMIN}) {
        std::string network = network_alone(dropped);
        if (!network.empty())
            CHECK(network == own_network());
    }
}

TEST_CASE("ports of a network cannot be reached from outside it") {
    int port = 0;
    Fd stranger = listen_locally(&port);
    REQUIRE(is_listening(port));
    Run child = run_in_child([port] {
        if (!enter_own_network())
            _exit(skip_status);
        REQUIRE_FALSE(is_listening(port));
        int own_port = 0;
        Fd listener = listen_locally(&own_port);
        REQUIRE(is_listening(own_port));
    });
    if (child.status == skip_status) {
        MESSAGE("skipped: a network of its own is not allowed here");
        return;
    }
    CHECK_MESSAGE(child.status == 0, child.output);
}
