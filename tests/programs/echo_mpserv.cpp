// SPDX-License-Identifier: MIT
// The server as seen by its clients and in its output, until it terminates.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "support/machine.h"
#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

TEST_CASE("each client has a process, and a line for connect and disconnect") {
    Server server;
    Fd first = dial(server.port);
    Fd second = dial(server.port);
    CHECK(echoes(first, "one"));
    CHECK(echoes(second, "two"));
    CHECK(children_of(server.pid()).size() == 2);
    first.close();
    CHECK(server.output_has("(client disconnected)\n"));
    CHECK(echoes(second, "three"));
    second.close();
    CHECK(server.output_has("(client disconnected)\n", 2));
    CHECK(children_of(server.pid()).empty());
    CHECK(server.output.starts_with("listening on " + every_address() + ":"));
    CHECK_MESSAGE(
        matches(server.output,
                "listening on [^\n]+:[0-9]+\n"
                "(new client connected\\.\\.\\. 127\\.0\\.0\\.1:[0-9]+ "
                "\\(pid [0-9]+\\)\n){2}"
                "(removed proc id: [0-9]+ \\(client disconnected\\)\n){2}"),
        server.output);
}

TEST_CASE("the log says why each client disconnected") {
    Server server;
    Fd reset = dial(server.port);
    CHECK(echoes(reset, "hello"));
    reset_connection(reset);
    CHECK(server.output_has("(connection reset)\n"));
    Fd killed = dial(server.port);
    CHECK(echoes(killed, "hello"));
    kill(only_child_of(server.pid()), SIGKILL);
    CHECK(server.output_has("(killed by signal 9)\n"));
    CHECK(server.errors_have(": killed by signal 9\n"));
    CHECK(receive_to_end(killed).empty());
    Server impatient({"-t", "1"});
    Fd silent = dial(impatient.port);
    CHECK(receive_to_end(silent).empty());
    CHECK(impatient.output_has("(timed out)\n"));
}

TEST_CASE("a client that reads nothing is timed out") {
    Server server({"-t", "1"});
    Fd client = dial(server.port);
    CHECK(server.output_has("new client connected"));
    CHECK(eventually([&] { return send_what_fits(client).empty(); }));
    CHECK(server.output_has("(timed out)"));
}

// Like a client on another machine: the window grows by segments, not by tens
// of kilobytes as on loopback.
static Fd dial_with_small_window(int port) {
    Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int segment = 1448;
    int buffer = 8192;
    REQUIRE(setsockopt(client.get(), IPPROTO_TCP, TCP_MAXSEG, &segment,
                       sizeof segment) == 0);
    REQUIRE(setsockopt(client.get(), SOL_SOCKET, SO_RCVBUF, &buffer,
                       sizeof buffer) == 0);
    struct sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<in_port_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(client.get(), reinterpret_cast<sockaddr *>(&address),
                    sizeof address) == 0);
    return client;
}

// Reads slowly from PORT. Returns whether everything came back; LONGEST becomes
// the longest time without a read.
static bool echoes_slowly(int port, std::chrono::duration<double> *longest) {
    *longest = {};
    auto before = std::chrono::steady_clock::now();
    Fd client = dial_with_small_window(port);
    size_t sent = 0;
    (void)eventually([&] {
        size_t more = send_what_fits(client).size();
        sent += more;
        return more == 0;
    });
    size_t received = 0;
    char bytes[1000];
    ssize_t n = 0;
    do {
        n = recv(client.get(), bytes, sizeof bytes, 0);
        auto now = std::chrono::steady_clock::now();
        *longest =
            std::max<std::chrono::duration<double>>(*longest, now - before);
        before = now;
        received += n > 0 ? static_cast<size_t>(n) : 0;
        if (received >= 40000) {
            (void)shutdown(client.get(), SHUT_WR);
            continue;
        }
        // Keeps the child blocked in its write rather than waiting for input
        // while the client still reads.
        sent += send_what_fits(client).size();
        // At 5 kB a second, none of the chunks in which the kernel frees the
        // send buffer becomes free within the timeout.
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    } while (n > 0);
    return n == 0 && received == sent;
}

// A write waits until much of the send buffer is free, which with a slow reader
// takes longer than the timeout.
TEST_CASE("a client that reads slowly is not timed out") {
    Server server({"-t", "2"});
    bool served = false;
    std::chrono::duration<double> longest(1);
    // Where the machine stood still, the client was one that does not read.
    for (int tries = 0; tries < 5 && !served && longest.count() >= 1; tries++)
        served = echoes_slowly(server.port, &longest);
    CHECK(served);
    CHECK(server.output_has("(client disconnected)"));
}

TEST_CASE("clients beyond -c wait, and are served later") {
    Server server({"-c", "2"});
    Fd first = dial(server.port);
    Fd second = dial(server.port);
    CHECK(echoes(first, "one"));
    CHECK(echoes(second, "two"));
    CHECK(server.errors_have("clients: limit of 2 reached, others wait in the "
                             "backlog\n"));
    Fd third = dial(server.port);
    send_all(third, "three");
    struct pollfd answer = {third.get(), POLLIN, 0};
    CHECK(poll(&answer, 1, 500) == 0); // not yet
    first.close();
    CHECK(receive(third, 5) == "three");
}

TEST_CASE("clients beyond -C per address are refused, others are not") {
    Server server({"-C", "2"});
    Fd first = dial(server.port);
    Fd second = dial(server.port);
    CHECK(echoes(first, "one"));
    CHECK(echoes(second, "two"));
    Fd third = dial(server.port);
    CHECK(receive_to_end(third).empty());
    CHECK(server.output_has("client refused... 127.0.0.1:"));
    if (have_ipv6())
        CHECK(echoes(dial(server.port, AF_INET6), "another address"));
    first.close();
    CHECK(server.output_has("removed proc id", have_ipv6() ? 2 : 1));
    CHECK(echoes(dial(server.port), "again"));
    server.signal(SIGUSR1);
    CHECK(server.output_has(", refused 1, "));
}

TEST_CASE("-q suppresses the lines per client") {
    for (const char *option : {"-q", "--quiet"}) {
        Server server({option, "-C", "1"});
        Fd client = dial(server.port);
        CHECK(echoes(client, "hello"));
        CHECK(receive_to_end(dial(server.port)).empty());
        client.close();
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        CHECK(lines_of(server.output).size() == 2);
        CHECK(server.output.ends_with("served 1, live 0, refused 1, "
                                      "fork failures 0, lines lost 0\n"));
    }
}

// ---- how it terminates ------------------------------------------------------

TEST_CASE("a signal to the whole group lets the clients finish") {
    for (int signo : {SIGINT, SIGTERM, SIGHUP}) {
        Server server({"-g", "1000"}); // however slow the machine
        Fd client = dial(server.port);
        CHECK(echoes(client, "before"));
        REQUIRE(kill(-server.pid(), signo) == 0);
        CHECK(eventually([&] { return !is_listening(server.port); }));
        CHECK(echoes(client, "during"));
        CHECK_FALSE(server.has_ended());
        client.close();
        CHECK(server.wait() == 0);
        CHECK(server.output_has("(client disconnected)"));
        CHECK(server.errors.empty());
    }
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

TEST_CASE("what it is started with has no effect") {
    Pipe pipe = make_pipe();
    Server server(
        {}, {.in_child = [&pipe] {
            signal(SIGCHLD, SIG_IGN);
            signal(SIGTERM, SIG_IGN);
            signal(SIGHUP, SIG_IGN); // by nohup(1): the one that stays ignored
            block_every_signal();
            if (fork() == 0) // its child without being a client's
                _exit(0);
            fcntl(pipe.write_end.get(), F_SETFD, 0);
        }});
    pipe.write_end.close();
    server.signal(SIGHUP);
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    struct pollfd end = {pipe.read_end.get(), 0, 0};
    // POLLHUP: no process has the other end, once that child has ended.
    CHECK(poll(&end, 1, deadline_seconds * 1000) == 1);
    client.close();
    CHECK(server.output_has("(client disconnected)"));
    CHECK(eventually([&] { return children_of(server.pid()).empty(); }));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.output_has("served 1, live 0"));
    CHECK(count_of("removed", server.output) == 1);
}
