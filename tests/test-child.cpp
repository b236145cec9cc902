// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <initializer_list>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "child.h"
#include "refused_signal.h"
#include "signals.h"
#include "sockets.h"
#include "support.h"

static std::string words(int status) {
    char text[status_text_size];
    describe_child(status, text);
    return text;
}

// serve_client() in a process of its own, with the signals of the server that
// forks it; PEER is the client's end. The signal REFUSED cannot be set.
struct Served {
    explicit Served(int listener = -1, int refused = 0) {
        Pipe connection = make_socket_pair();
        peer = std::move(connection.read_end);
        Fd client = std::move(connection.write_end);
        pid = fork();
        if (pid == 0) {
            peer.close();
            for (int signo : {SIGCHLD, SIGTERM, SIGINT, SIGUSR1})
                if (block_signal(signo) == -1 ||
                    set_signal(signo, [](int) { _exit(99); }) == -1)
                    _exit(98);
            if (raise(SIGINT) != 0 || raise(SIGUSR1) != 0)
                _exit(97);
            refused_signal = refused;
            serve_client(listener, client.get(), nullptr);
        }
        REQUIRE(pid != -1);
    }
    int wait() const {
        int status = 0;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        return status;
    }
    Fd peer;
    pid_t pid;
};

TEST_CASE("a client is served to its end, whatever signal comes for others") {
    Served served;
    CHECK(echoes(served.peer, "hello"));
    for (int signo : {SIGINT, SIGUSR1, SIGCHLD})
        CHECK(kill(served.pid, signo) == 0);
    CHECK(echoes(served.peer, "once more"));
    served.peer.close();
    CHECK(words(served.wait()) == "client disconnected");
}

TEST_CASE("SIGTERM ends it") {
    Served served;
    CHECK(echoes(served.peer, "hello"));
    CHECK(kill(served.pid, SIGTERM) == 0);
    CHECK(words(served.wait()) == "killed by signal 15");
}

TEST_CASE("it gives the listener up") {
    Pipe pipe = make_pipe();
    Served served(pipe.write_end.get());
    CHECK(echoes(served.peer, "hello"));
    pipe.write_end.close();
    char byte = 0;
    CHECK(read(pipe.read_end.get(), &byte, 1) == 0); // nobody holds it
    served.peer.close();
    CHECK(words(served.wait()) == "client disconnected");
}

TEST_CASE("without its signals it serves nobody") {
    Served served(-1, SIGTERM);
    char byte = 0;
    CHECK(read(served.peer.get(), &byte, 1) == 0);
    CHECK(words(served.wait()) == "exited 3");
}

TEST_CASE("a client that is silent for too long is let go") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd peer = dial(port);
    Fd client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    struct client_options options = {.timeout = 1};
    Run run = run_in_child([&] { serve_client(-1, client.get(), &options); });
    CHECK(words(run.status << 8) == "timed out");
}

TEST_CASE("a client whose options cannot be set is not served") {
    Pipe connection = make_socket_pair();
    struct client_options options = {};
    Run run = run_in_child(
        [&] { serve_client(-1, connection.write_end.get(), &options); });
    CHECK(words(run.status << 8) == "exited 3");
}

TEST_CASE("a status that no child has is told as it is") {
    CHECK(words(0) == "client disconnected");
    CHECK(words(3 << 8) == "exited 3");
    CHECK(words(4 << 8) == "connection reset");
    CHECK(words(5 << 8) == "timed out");
    CHECK(words(1 << 8) == "exited 1");
    CHECK(words(SIGKILL) == "killed by signal 9");
    CHECK(words(4) == "killed by signal 4");
}
