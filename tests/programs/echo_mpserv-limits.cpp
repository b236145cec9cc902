// SPDX-License-Identifier: MIT
// The server when a resource is exhausted or its log cannot be written.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/reasons.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

// SERVER must use almost no processor time until its third diagnostic: two
// seconds, at one a second.
static void check_calm(Server &server, const std::string &complaint) {
    long before = ticks_of(server.pid());
    CHECK(server.errors_have(complaint, 3));
    CHECK(ticks_of(server.pid()) - before < 10);
}

TEST_CASE("with no descriptor left the server neither exits nor spins") {
    Server server;
    struct rlimit before = {};
    REQUIRE(prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &before) == 0);
    struct rlimit none_left = {4, before.rlim_max}; // 0, 1, 2, listener
    REQUIRE(prlimit(server.pid(), RLIMIT_NOFILE, &none_left, nullptr) == 0);
    Fd client = dial(server.port);
    send_all(client, "hello");
    check_calm(server, "accept: " + reason_of(EMFILE));
    REQUIRE(prlimit(server.pid(), RLIMIT_NOFILE, &before, nullptr) == 0);
    CHECK(receive(client, 5) == "hello");
    CHECK(echoes(dial(server.port), "again"));
}

TEST_CASE("with no process left the server neither exits nor spins" *
          doctest::skip(!can_become_limited_user())) {
    StartOptions start;
    start.in_child = [] { become_limited_user(2); };
    Server server({}, start);
    Fd first = dial(server.port);
    CHECK(echoes(first, "one"));
    Fd second = dial(server.port);
    send_all(second, "two");
    Fd third = dial(server.port);
    send_all(third, "three");
    check_calm(server, "fork: " + reason_of(EAGAIN));
    first.close(); // its child's slot goes to the second client
    CHECK(receive(second, 3) == "two");
    second.close();
    CHECK(receive(third, 5) == "three");
    third.close();
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(count_of("served 3, live 0", server.output) == 1);
}

TEST_CASE("SIGTERM shuts it down with no process left" *
          doctest::skip(!can_become_limited_user())) {
    StartOptions start;
    start.in_child = [] { become_limited_user(1); };
    // The leak check would need another process at exit.
    start.environment = {"ASAN_OPTIONS=detect_leaks=0"};
    Server server({"-g", "0"}, start);
    Fd client = dial(server.port);
    CHECK(server.errors_have("fork: " + reason_of(EAGAIN)));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(receive_to_end(client).empty());
}

TEST_CASE("reaching the client limit is reported only once") {
    Server server({"-q", "-c", "1"});
    for (int i = 0; i < 3; i++)
        CHECK(echoes(dial(server.port), "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.errors == "echo_mpserv: clients: limit of 1 reached, others "
                           "wait in the backlog\n");
}

TEST_CASE("inherited descriptors are closed") {
    Pipe pipe = make_pipe();
    StartOptions start;
    start.in_child = [&pipe] { fcntl(pipe.write_end.get(), F_SETFD, 0); };
    Server server({}, start);
    Fd client = dial(server.port);
    CHECK(echoes(client, "hello"));
    pipe.write_end.close();
    struct pollfd end = {pipe.read_end.get(), 0, 0};
    CHECK(poll(&end, 1, 0) == 1); // POLLHUP: no process has the other end
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

// A write waits until much of the send buffer is free, which with a slow reader
// takes longer than the timeout.
TEST_CASE("a client that reads slowly is not timed out") {
    Server server({"-t", "2"});
    Fd client = dial_with_small_window(server.port);
    size_t sent = 0;
    CHECK(eventually([&] {
        size_t more = send_what_fits(client).size();
        sent += more;
        return more == 0;
    }));
    size_t received = 0;
    // At 5 kB a second, none of the chunks in which the kernel frees the send
    // buffer becomes free within the timeout.
    while (received < 40000) {
        size_t more = receive(client, 1000).size();
        REQUIRE(more > 0);
        received += more;
        // Keeps the child blocked in its write rather than waiting for input
        // while the client still reads.
        sent += send_what_fits(client).size();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    finish_sending(client);
    CHECK(received + receive_to_end(client).size() == sent);
    CHECK(server.output_has("(client disconnected)"));
}

TEST_CASE("a client that reads nothing is timed out") {
    Server server({"-t", "1"});
    Fd client = dial(server.port);
    CHECK(eventually([&] { return send_what_fits(client).empty(); }));
    CHECK(server.output_has("(timed out)"));
}

// The server must keep echoing with OUTPUT as its standard output.
static void check_serves_with_output(int output) {
    StartOptions start;
    start.output = output;
    int port = 0;
    Fd listener = listen_locally(&port); // passed, to know the port
    start.in_child = [&listener] { pass_listener(listener); };
    Process server(server_command(), start);
    for (int i = 0; i < 20; i++)
        CHECK(echoes(dial(port), "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

TEST_CASE("the server keeps running when its output is full") {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    check_serves_with_output(full.get());
}

TEST_CASE("the server keeps running when its output's reader is gone") {
    Pipe broken = make_pipe();
    broken.read_end.close();
    check_serves_with_output(broken.write_end.get());
}

TEST_CASE("an unread log blocks nothing, and lost lines are counted") {
    Pipe log = make_pipe();
    // One page, so that a few lines fill it.
    REQUIRE(fcntl(log.write_end.get(), F_SETPIPE_SZ, 4096) == 4096);
    StartOptions start;
    start.output = log.write_end.get();
    Server server({}, start);
    std::string text = receive(log.read_end, 22);
    while (!text.ends_with('\n'))
        text += receive(log.read_end, 1);
    int port = announced_port(text);
    // A write to it never blocks.
    Fd output = copy_of_descriptor(server.pid(), STDOUT_FILENO);
    CHECK((fcntl(output.get(), F_GETFL) & O_NONBLOCK) != 0);
    output.close();
    for (int i = 0; i < 100; i++)
        CHECK(echoes(dial(port), "hello"));
    CHECK(eventually([&] { return children_of(server.pid()).empty(); }));
    // Once asleep, it has written its last line about them.
    CHECK(eventually([&] { return process_state(server.pid()) == "S"; }));
    // Only whole lines were written; reading makes room for the statistics.
    fcntl(log.read_end.get(), F_SETFL, O_NONBLOCK);
    std::string kept(65536, '\0');
    ssize_t n = read(log.read_end.get(), kept.data(), kept.size());
    REQUIRE(n > 0);
    kept.resize(static_cast<size_t>(n));
    CHECK(kept.ends_with(")\n"));
    CHECK(lines_of(kept).size() < 200);
    fcntl(log.read_end.get(), F_SETFL, 0);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    log.write_end.close();
    std::string totals = receive_to_end(log.read_end);
    size_t lost = totals.find("lines lost ");
    REQUIRE(lost != totals.npos);
    CHECK(totals.starts_with("served 100, live 0"));
    CHECK(std::stoul(totals.substr(lost + 11)) + lines_of(kept).size() == 200);
}
