// SPDX-License-Identifier: MIT
// test-load - the load generator notices and names every fault of a server;
// otherwise it would measure the wrong thing.
#include <csignal>
#include <doctest/doctest.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/process.h"
#include "support/sockets.h"

using Words = std::vector<std::string>;
// What a server sends back for the chunk PIECE, which begins at byte FIRST.
using Answer = std::string(std::string piece, size_t first);

static std::string right(std::string piece, size_t) {
    return piece;
}

static std::string changed(std::string piece, size_t first) {
    if (first == 0)
        piece[piece.size() / 2] ^= 1;
    return piece;
}

static std::string dropped(std::string piece, size_t first) {
    return first == 0 ? piece.erase(piece.size() / 2, 1) : piece;
}

static std::string last_dropped(std::string piece, size_t) {
    piece.pop_back();
    return piece;
}

static std::string added(std::string piece, size_t first) {
    return first == 0 ? piece.insert(piece.size() / 2, 1, 'x') : piece;
}

static std::string last_added(std::string piece, size_t) {
    return piece + 'x';
}

static std::string swapped(std::string piece, size_t) {
    std::swap(piece.front(), piece.back());
    return piece;
}

static void serve_client(const Fd &client, Answer *answer) {
    size_t first = 0;
    std::string piece(65536, '\0');
    ssize_t n = 0;
    while ((n = read(client.get(), piece.data(), piece.size())) > 0) {
        std::string bytes =
            answer(piece.substr(0, static_cast<size_t>(n)), first);
        if (send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == -1)
            return;
        first += static_cast<size_t>(n);
    }
}

// A forking server, whose children the kernel reaps.
static void serve_each(const Fd &listener, Answer *answer) {
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        Fd client(accept(listener.get(), nullptr, nullptr));
        if (fork() != 0)
            continue;
        serve_client(client, answer);
        _exit(0);
    }
}

static Run run_load(const std::string &line) {
    std::istringstream words(line);
    Words arguments = {test_program("load")};
    for (std::string word; words >> word;)
        arguments.push_back(word);
    return run(arguments);
}

static Run load_on(int port, const std::string &words) {
    return run_load("-d 50 " + words + " " + std::to_string(port));
}

static Run load_on(Answer *answer, const std::string &words) {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] { serve_each(listener, answer); });
    return load_on(port, words);
}

// Its options and its mode.
constexpr const char *modes[] = {
    "connect", "trips",     "-c 2 -s 100000 trips", "sizes",
    "bulk",    "-c 3 hold", "-c 12 -n 3 crowd",
};

TEST_CASE("a server that is right passes, with one line of result") {
    for (const std::string words : modes) {
        Run result = load_on(right, words);
        CHECK_MESSAGE(result.status == 0, result.errors);
        CHECK(result.output.starts_with(
            "mode=" + words.substr(words.rfind(' ') + 1) + " "));
        CHECK(matches(result.output, "([a-z0-9_]+=[a-z0-9.]+[ \n])+"));
        CHECK(count_of("\n", result.output) == 1);
        CHECK(result.errors.empty());
    }
}

static void check_rejected(Answer *answer, const char *complaint,
                           const std::string &options = "") {
    for (const std::string words : modes) {
        Run result = load_on(answer, options + words);
        CAPTURE(words);
        CHECK(result.status == 1);
        CHECK(result.output.empty());
        CHECK_MESSAGE(matches(result.errors, complaint), result.errors);
    }
}

TEST_CASE("a byte that is changed is noticed") {
    check_rejected(changed, "load: wrong bytes: 0x.. instead of 0x.. .*\n");
}

TEST_CASE("two bytes that change places are noticed") {
    Run result = load_on(swapped, "connect");
    CHECK(result.status == 1);
    CHECK(result.errors.starts_with("load: wrong bytes"));
}

TEST_CASE("a byte that is dropped is noticed") {
    // In a message of one byte nothing follows it.
    check_rejected(dropped, "load: (wrong bytes|no byte for 2 seconds).*\n",
                   "-t 2 ");
}

TEST_CASE("a last byte that is dropped is noticed") {
    Run result = load_on(last_dropped, "-t 2 connect");
    CHECK(result.status == 1);
    CHECK(result.errors == "load: no byte for 2 seconds; 4 clients wait\n");
}

TEST_CASE("a byte that is added is noticed") {
    check_rejected(added, "load: wrong bytes.*\n");
}

TEST_CASE("a byte that is added behind the last one is noticed") {
    check_rejected(last_added, "load: wrong bytes.*\n");
}

TEST_CASE("the bytes of another client are noticed") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] {
        Fd one(accept(listener.get(), nullptr, nullptr));
        Fd other(accept(listener.get(), nullptr, nullptr));
        std::string first = receive(one, 64);
        send_all(one, receive(other, 64));
        send_all(other, first);
        (void)receive_to_end(one);
    });
    Run result = load_on(port, "-c 2 connect");
    CHECK(result.status == 1);
    CHECK(result.errors.starts_with("load: wrong bytes"));
}

TEST_CASE("a server that closes early is noticed") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] {
        Fd client(accept(listener.get(), nullptr, nullptr));
        send_all(client, receive(client, 64).substr(0, 63));
    });
    Run result = load_on(port, "-c 1 connect");
    CHECK(result.status == 1);
    CHECK(result.errors == "load: the server closed after 63 bytes of 64\n");
}

TEST_CASE("a port where nobody listens is told") {
    Fd holder;
    int port = refusing_port(&holder);
    Run result = load_on(port, "connect");
    CHECK(result.status == 1);
    CHECK(result.errors == "load: connect: Connection refused\n");
}

TEST_CASE("zombies that a server leaves are noticed") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] {
        for (;;) {
            Fd client(accept(listener.get(), nullptr, nullptr));
            if (fork() != 0)
                continue; // and never reaps it
            serve_client(client, right);
            _exit(0);
        }
    });
    std::string pid = std::to_string(server.pid());
    Run result = load_on(port, "-t 2 -c 3 -p " + pid + " hold");
    CHECK(result.status == 1);
    CHECK(result.errors ==
          "load: 3 processes are left 2 seconds after their clients\n");
}

TEST_CASE("wrong words are usage errors") {
    constexpr const char *wrong[] = {
        "",
        "connect",
        "connect 1 2",
        "connects 1",
        "connect 0",
        "connect 65536",
        "connect 1x",
        "-c 0 connect 1",
        "-d -1 connect 1",
        "-n x connect 1",
        "-p 0 hold 1",
        "-s 0 trips 1",
        "-t 0 trips 1",
        "-z connect 1",
        "-c",
    };
    for (const char *words : wrong) {
        Run result = run_load(words);
        CAPTURE(words);
        CHECK(result.status == 2);
        CHECK(result.output.empty());
        CHECK(result.errors.starts_with("load: "));
        CHECK(count_of("usage: load", result.errors) == 1);
    }
}
