// SPDX-License-Identifier: MIT
// The server with misbehaving clients and with children that are killed.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>

#include "support/proc.h"
#include "support/reasons.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

static void stop(pid_t pid) {
    REQUIRE(kill(pid, SIGSTOP) == 0);
    REQUIRE(eventually([pid] { return process_state(pid) == "T"; }));
}

TEST_CASE("a reset before accept counts as one disconnected client") {
    Server server;
    stop(server.pid());
    Fd client = dial(server.port);
    send_all(client, "hello");
    reset_connection(client);
    server.signal(SIGCONT);
    CHECK(echoes(dial(server.port), "hello"));
    CHECK(server.output_has("(client disconnected)\n"));
    CHECK(eventually([&] { return children_of(server.pid()).empty(); }));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(count_of("new client", server.output) ==
          count_of("removed proc id", server.output));
}

TEST_CASE("a reset with bytes in transit ends only that child") {
    for (bool child_reads : {false, true}) {
        Server server;
        Fd client = dial(server.port);
        CHECK(echoes(client, "hello"));
        pid_t child = only_child_of(server.pid());
        if (!child_reads)
            stop(child);
        // A child that reads blocks in a write, as the client does not read.
        CHECK(eventually([&] {
            send_what_fits(client);
            return !child_reads || process_state(child) == "S";
        }));
        reset_connection(client);
        if (!child_reads)
            REQUIRE(kill(child, SIGCONT) == 0);
        CHECK(server.output_has("(connection reset)\n"));
        CHECK(echoes(dial(server.port), "hello"));
    }
}

TEST_CASE("a client that stays idle does not delay others") {
    Server server;
    Fd silent = dial(server.port);
    for (int i = 0; i < 20; i++)
        CHECK(echoes(dial(server.port), "hello"));
    CHECK(server.output_has("removed proc id", 20));
    CHECK(echoes(silent, "at last"));
}

TEST_CASE("a child that crashes is logged with its signal, and reaped") {
    StartOptions start;
    start.in_child = [] {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none); // no core file
    };
    // A sanitizer would catch the signal.
    const char *options = getenv("ASAN_OPTIONS");
    start.environment = {std::string("ASAN_OPTIONS=") +
                         (options == nullptr ? "" : options) +
                         ":handle_segv=0"};
    Server server({}, start);
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    REQUIRE(kill(only_child_of(server.pid()), SIGSEGV) == 0);
    CHECK(server.output_has("(killed by signal 11)\n"));
    CHECK(server.errors_have(": killed by signal 11\n"));
    CHECK(receive_to_end(client).empty());
    CHECK(children_of(server.pid()).empty());
    CHECK(echoes(dial(server.port), "hello"));
}

TEST_CASE("SIGTERM at the client limit lets served clients finish") {
    Server server({"-c", "1", "-g", "1000"});
    Fd served = dial(server.port);
    CHECK(echoes(served, "before"));
    Fd waiting = dial(server.port);
    server.signal(SIGTERM);
    CHECK(eventually([&] { return !is_listening(server.port); }));
    CHECK(echoes(served, "during"));
    served.close();
    CHECK(server.wait() == 0);
    CHECK(count_of("served 1, live 0", server.output) == 1);
}

TEST_CASE("SIGTERM shuts it down with no descriptor left") {
    Server server({"-g", "1000"});
    Fd served = dial(server.port);
    CHECK(echoes(served, "before"));
    struct rlimit before = {};
    REQUIRE(prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &before) == 0);
    struct rlimit none_left = {4, before.rlim_max}; // 0, 1, 2, listener
    REQUIRE(prlimit(server.pid(), RLIMIT_NOFILE, &none_left, nullptr) == 0);
    Fd waiting = dial(server.port);
    CHECK(server.errors_have("accept: " + reason_of(EMFILE)));
    server.signal(SIGTERM);
    CHECK(eventually([&] { return !is_listening(server.port); }));
    CHECK(echoes(served, "during"));
    served.close();
    CHECK(server.wait() == 0);
}
