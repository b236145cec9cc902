// SPDX-License-Identifier: MIT
// How the server terminates, and what conditions at start it copes with.
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

TEST_CASE("SIGTERM, SIGINT and SIGHUP let the clients finish") {
    for (int signo : {SIGTERM, SIGINT, SIGHUP}) {
        Server server({"-g", "1000"}); // however slow the machine
        Fd client = dial(server.port);
        CHECK(echoes(client, "before"));
        server.signal(signo);
        CHECK(eventually([&] { return !is_listening(server.port); }));
        CHECK(echoes(client, "during"));
        CHECK_FALSE(server.has_ended());
        client.close();
        CHECK(server.wait() == 0);
        CHECK(server.output_has("(client disconnected)"));
        CHECK(server.output_has(", live 0, refused 0, fork failures 0"));
        CHECK(server.errors.empty());
    }
}

TEST_CASE("a server without clients terminates at once") {
    Server server;
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output.ends_with("served 0, live 0, refused 0, "
                                  "fork failures 0, lines lost 0\n"));
}

TEST_CASE("after the grace period the children are killed") {
    Server server({"-g", "1"});
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output_has("(killed by signal 9)"));
    CHECK(receive_to_end(client).empty());
    CHECK(orphans_left_by(server.pid()) == 0);
}

TEST_CASE("a second signal, a second later, ends the grace period") {
    Server server({"-g", "1000"});
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    auto start = std::chrono::steady_clock::now();
    server.signal(SIGTERM);
    CHECK(eventually([&] {
        server.signal(SIGINT);
        return server.has_ended();
    }));
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(1));
    CHECK(server.wait() == 0);
    CHECK(server.output_has("(killed by signal 9)"));
}

// A server started with SIGNO ignored must keep ignoring it.
static void check_ignores(int signo) {
    StartOptions start;
    start.in_child = [signo] { signal(signo, SIG_IGN); };
    Server server({}, start);
    server.signal(signo);
    CHECK(echoes(dial(server.port), "hello"));
    CHECK(is_listening(server.port));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

TEST_CASE("signals ignored by nohup or a shell stay ignored") {
    for (int signo : {SIGINT, SIGHUP, SIGQUIT})
        check_ignores(signo);
}

TEST_CASE("SIGTERM works even if it was ignored") {
    StartOptions start;
    start.in_child = [] { signal(SIGTERM, SIG_IGN); };
    Server server({}, start);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

// Of the signals that it does not catch, only SIGKILL from outside reaches it.
// (Once that process has terminated, its parent can no longer fork, as
// LeakSanitizer would.)
TEST_CASE("a child that is process 1 ends with the grace period" *
          doctest::skip(under_sanitizer())) {
    if (run_in_child([] { _exit(unshare(CLONE_NEWPID)); }).status != 0) {
        MESSAGE("skipped: a PID namespace is not allowed here");
        return;
    }
    StartOptions start;
    start.in_child = [] { (void)!unshare(CLONE_NEWPID); };
    Server server({"-g", "0"}, start);
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output_has("(killed by signal 9)"));
}

TEST_CASE("a stopped child is killed with the others") {
    Server server({"-g", "0"});
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    REQUIRE(kill(only_child_of(server.pid()), SIGSTOP) == 0);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(orphans_left_by(server.pid()) == 0);
}

TEST_CASE("a signal to the whole group lets the clients finish") {
    for (int signo : {SIGINT, SIGTERM, SIGHUP}) {
        Server server({"-g", "1000"});
        Fd client = dial(server.port);
        CHECK(echoes(client, "before"));
        REQUIRE(kill(-server.pid(), signo) == 0);
        CHECK(eventually([&] { return !is_listening(server.port); }));
        CHECK(echoes(client, "during"));
        client.close();
        CHECK(server.wait() == 0);
        CHECK(server.output_has("(client disconnected)"));
    }
}

TEST_CASE("SIGQUIT to the whole group terminates only the parent") {
    StartOptions start;
    start.in_child = [] {
        struct rlimit none = {};
        setrlimit(RLIMIT_CORE, &none);
    };
    Server server({}, start);
    Fd client = dial(server.port);
    CHECK(echoes(client, "before"));
    REQUIRE(kill(-server.pid(), SIGQUIT) == 0);
    CHECK(server.wait() == 128 + SIGQUIT);
    CHECK(echoes(client, "after"));
}

TEST_CASE("clients are still served after the parent is killed") {
    Server server;
    Fd client = dial(server.port);
    CHECK(echoes(client, "before"));
    server.signal(SIGKILL);
    server.wait();
    CHECK(echoes(client, "after"));
    CHECK_FALSE(is_listening(server.port)); // no process holds the listener
    client.close();
    CHECK(eventually([&] { return group_is_empty(server.pid()); }));
}

TEST_CASE("the port can be reused at once") {
    int port = 0;
    {
        Server server({"-g", "0"});
        port = server.port;
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        server.signal(SIGTERM); // closes first, and so is left in TIME_WAIT
        CHECK(server.wait() == 0);
    }
    Process again(server_command({std::to_string(port)}));
    CHECK(again.output_has("listening on " + every_address() + ":" +
                           std::to_string(port) + "\n"));
}

TEST_CASE("stopping and continuing server and children loses nothing") {
    Server server;
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    pid_t child = only_child_of(server.pid());
    kill(child, SIGSTOP);
    CHECK(eventually([child] { return process_state(child) == "T"; }));
    server.signal(SIGSTOP);
    server.signal(SIGCONT);
    kill(child, SIGCONT);
    CHECK(echoes(client, "hello"));
    CHECK(echoes(dial(server.port), "hello"));
    CHECK(server.output_has("removed proc id"));
    CHECK(count_of("removed proc id: 0", server.output) == 0);
}

// ---- unusual conditions at start --------------------------------------------

static void check_serves(const StartOptions &start) {
    Server server({}, start);
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    client.close();
    CHECK(server.output_has("(client disconnected)"));
    CHECK(eventually([&] { return children_of(server.pid()).empty(); }));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output_has("served 1, live 0"));
}

TEST_CASE("SIGCHLD ignored at start has no effect") {
    StartOptions start;
    start.in_child = [] { signal(SIGCHLD, SIG_IGN); };
    check_serves(start);
}

TEST_CASE("every signal blocked at start has no effect") {
    StartOptions start;
    start.in_child = block_every_signal;
    check_serves(start);
}

TEST_CASE("children that it did not create are reaped silently") {
    StartOptions start;
    start.in_child = [] {
        for (int i = 0; i < 3; i++)
            if (fork() == 0)
                _exit(i);
    };
    check_serves(start);
    start.in_child = [] {
        if (fork() == 0) {
            pause(); // still alive, and the drain does not wait for it
            _exit(0);
        }
    };
    Server server({}, start);
    pid_t foreign = only_child_of(server.pid());
    kill(foreign, SIGKILL);
    CHECK(eventually([foreign] { return process_state(foreign) == ""; }));
    CHECK(echoes(dial(server.port), "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(count_of("removed", server.output) == 1);
}

// Its listener must not become standard input, output or error.
TEST_CASE("standard descriptors closed at start have no effect" *
          doctest::skip(under_valgrind())) {
    for (int closed = 1; closed < 8; closed++) {
        CAPTURE(closed);
        int port = 0;
        Fd listener = listen_locally(&port);
        StartOptions start;
        start.in_child = [closed, &listener] {
            pass_listener(listener);
            for (int fd = 0; fd < 3; fd++)
                if ((closed >> fd & 1) != 0)
                    close(fd);
        };
        Process server(server_command(), start);
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        auto held = descriptors_of(only_child_of(server.pid()));
        CHECK(held.size() == 1);
        CHECK(held.begin()->first > STDERR_FILENO);
        // Only its own bytes come back, without a line of the log.
        finish_sending(client);
        CHECK(receive_to_end(client).empty());
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
    }
}

TEST_CASE("with all three closed, its own listener is still descriptor 3" *
          doctest::skip(under_valgrind())) {
    StartOptions start;
    start.in_child = [] {
        close(0);
        close(1);
        close(2);
    };
    Process server(server_command({"0"}), start);
    CHECK(eventually([&] { return descriptors_of(server.pid()).size() == 4; }));
    auto held = descriptors_of(server.pid());
    CHECK(held[0] == "/dev/null");
    CHECK(held[1] == "/dev/null");
    CHECK(held[2] == "/dev/null");
    CHECK(held[3].starts_with("socket:"));
}
