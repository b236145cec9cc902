// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "common/signals.h"
#include "common/sockets.h"
#include "server/child.h"
#include "support/process.h"
#include "support/sockets.h"

static std::string words(int status) {
    char text[status_text_size];
    describe_child(status, text);
    return text;
}

constexpr int parents_signals[] = {SIGCHLD, SIGTERM, SIGINT,
                                   SIGHUP,  SIGQUIT, SIGUSR1};

// serve_client() in a process of its own, with the signals of the server that
// forks it; PEER is the client's end.
struct Served {
    Served() {
        Pipe connection = make_socket_pair();
        peer = std::move(connection.read_end);
        Fd client = std::move(connection.write_end);
        pid = fork();
        if (pid == 0) {
            peer.close();
            for (int signo : parents_signals)
                if (block_signal(signo) == -1 ||
                    set_signal(signo, [](int) { _exit(99); }) == -1)
                    _exit(98);
            serve_client(client.get(), nullptr);
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

TEST_CASE("a client is served to the end despite signals meant for others") {
    Served served;
    CHECK(echoes(served.peer, "hello"));
    for (int signo : parents_signals)
        CHECK(kill(served.pid, signo) == 0);
    CHECK(echoes(served.peer, "once more"));
    served.peer.close();
    CHECK(words(served.wait()) == "client disconnected");
}

TEST_CASE("a client that is idle too long is disconnected") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd peer = dial(port);
    Fd client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    struct client_options options = {.timeout = 1};
    Run run = run_in_child([&] { serve_client(client.get(), &options); });
    CHECK(words(run.status << 8) == "timed out");
}
