// SPDX-License-Identifier: MIT
// test-load - the load generator notices and names every fault of a server;
// otherwise it would measure the wrong thing.
#include <csignal>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/process.h"
#include "support/sockets.h"

// What a server sends back for a chunk.
using Answer = std::string(std::string piece);

static std::string right(std::string piece) {
    return piece;
}

static std::string changed(std::string piece) {
    piece[piece.size() / 2] ^= 1;
    return piece;
}

static std::string swapped(std::string piece) {
    std::swap(piece.front(), piece.back());
    return piece;
}

static std::string dropped(std::string piece) {
    return piece.erase(piece.size() / 2, 1);
}

static std::string last_dropped(std::string piece) {
    piece.pop_back();
    return piece;
}

static std::string added(std::string piece) {
    return piece.insert(piece.size() / 2, 1, 'x');
}

static std::string last_added(std::string piece) {
    return piece + 'x';
}

static void serve_client(const Fd &client, Answer *answer) {
    static char piece[65536];
    ssize_t n = 0;
    while ((n = read(client.get(), piece, sizeof piece)) > 0) {
        std::string bytes = answer({piece, static_cast<size_t>(n)});
        if (send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == -1)
            return;
    }
}

// A forking server that never reaps; the kernel does if SIGCHLD is ignored.
static void serve_each(const Fd &listener, Answer *answer) {
    for (;;) {
        Fd client(accept(listener.get(), nullptr, nullptr));
        REQUIRE(client.get() != -1);
        if (fork() != 0)
            continue;
        serve_client(client, answer);
        _exit(0);
    }
}

static Run run_load(const std::string &line) {
    Words words = words_of(line);
    words.insert(words.begin(), test_program("load"));
    return run(words);
}

static Run load_on(int port, const std::string &words) {
    return run_load("-d 50 " + words + " " + std::to_string(port));
}

static Run load_on(Answer *answer, const std::string &words) {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] {
        signal(SIGCHLD, SIG_IGN);
        serve_each(listener, answer);
    });
    return load_on(port, words);
}

static void check_complaint(const Run &result, const std::string &complaint) {
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK_MESSAGE(matches(result.errors, "load: " + complaint + "\n"),
                  result.errors);
}

// Its options and its mode.
constexpr const char *modes[] = {
    "-n 4 connect", "trips",     "-c 2 -s 100000 trips", "sizes",
    "bulk",         "-c 3 hold", "-c 12 -n 3 crowd",
};

TEST_CASE("a server that is right passes, with one line of result") {
    for (const std::string words : modes) {
        Run result = load_on(right, words);
        CHECK_MESSAGE(result.status == 0, result.errors);
        std::string mode = words.substr(words.rfind(' ') + 1);
        CHECK(matches(result.output,
                      "mode=" + mode + "( [a-z0-9_]+=[a-z0-9.]+)+\n"));
        CHECK(result.errors.empty());
    }
}

TEST_CASE("a wrong byte is noticed in each mode") {
    for (const char *words : modes) {
        CAPTURE(words);
        check_complaint(
            load_on(changed, words),
            "wrong bytes among the [0-9]+ that follow [0-9]+ right ones");
    }
}

TEST_CASE("each way to be wrong is noticed") {
    constexpr struct {
        Answer *answer;
        const char *words, *complaint;
    } faults[] = {
        {swapped, "-n 4 connect", "wrong bytes.*"},
        {dropped, "-n 4 connect", "wrong bytes.*"},
        {last_dropped, "-t 2 -n 4 connect",
         "no byte for 2 seconds; 4 clients wait"},
        {added, "-n 4 connect", "wrong bytes.*"},
        {last_added, "-n 4 connect",
         "wrong bytes: 65 came back of 64 that were sent"},
    };
    for (const auto &fault : faults) {
        CAPTURE(fault.complaint);
        check_complaint(load_on(fault.answer, fault.words), fault.complaint);
    }
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
    check_complaint(load_on(port, "-c 2 -n 2 connect"), "wrong bytes.*");
}

TEST_CASE("a server that closes early is noticed") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] {
        Fd client(accept(listener.get(), nullptr, nullptr));
        send_all(client, receive(client, 64).substr(0, 63));
    });
    check_complaint(load_on(port, "-c 1 -n 1 connect"),
                    "the server closed after 63 bytes of 64");
}

TEST_CASE("a refused connection is reported") {
    Fd holder;
    int port = refusing_port(&holder);
    check_complaint(load_on(port, "-n 1 connect"),
                    "connect: Connection refused");
}

TEST_CASE("zombies that a server leaves are noticed") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Process server([&] { serve_each(listener, right); });
    std::string pid = std::to_string(server.pid());
    check_complaint(load_on(port, "-t 2 -c 3 -p " + pid + " hold"),
                    "3 processes are left 2 seconds after their clients");
}

TEST_CASE("wrong words are usage errors") {
    constexpr const char *wrong[] = {
        "",          "connect",        "connect 1 2",
        "connect 0", "connects 1",     "connect 65536",
        "-c",        "-c 0 connect 1", "-z connect 1",
    };
    for (const char *words : wrong) {
        CAPTURE(words);
        Run result = run_load(words);
        CHECK(result.status == 2);
        CHECK(result.output.empty());
        CHECK(result.errors.starts_with("load: "));
        CHECK(count_of("usage: load", result.errors) == 1);
    }
}
