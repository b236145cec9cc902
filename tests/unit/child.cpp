// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <initializer_list>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "common/signals.h"
#include "common/sockets.h"
#include "server/child.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/wrap.h"

static std::string words(int status) {
    char text[status_text_size];
    describe_child(status, text);
    return text;
}

static int read_error; // of each read(2) in a child; 0 for none

WRAP(read);

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (read_error == 0)
        return __real_read(fd, buffer, size);
    errno = read_error;
    return -1;
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

TEST_CASE("a client is served to its end, whatever signal comes for others") {
    Served served;
    CHECK(echoes(served.peer, "hello"));
    for (int signo : parents_signals)
        CHECK(kill(served.pid, signo) == 0);
    CHECK(echoes(served.peer, "once more"));
    served.peer.close();
    CHECK(words(served.wait()) == "client disconnected");
}

TEST_CASE("it keeps its connection and nothing else") {
    Pipe pipe = make_pipe(); // below the connection, as the listener is
    Served served;
    CHECK(echoes(served.peer, "hello"));
    Descriptors held = descriptors_of(served.pid);
    CHECK_MESSAGE(held.size() == 1, text_of(held));
    pipe.write_end.close();
    char byte = 0;
    CHECK(read(pipe.read_end.get(), &byte, 1) == 0); // nobody holds it
    served.peer.close();
    CHECK(words(served.wait()) == "client disconnected");
}

TEST_CASE("a client that the network no longer reaches has timed out") {
    for (int error :
         {EAGAIN, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH,
          EACCES, ECONNREFUSED, ENONET, ENOPROTOOPT, EPROTO}) {
        read_error = error;
        Served served;
        read_error = 0;
        CHECK_MESSAGE(words(served.wait()) == "timed out", error);
    }
}

TEST_CASE("a client that is silent for too long is let go") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd peer = dial(port);
    Fd client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    struct client_options options = {.timeout = 1};
    Run run = run_in_child([&] { serve_client(client.get(), &options); });
    CHECK(words(run.status << 8) == "timed out");
}

TEST_CASE("a client whose options cannot be set is not served") {
    Fd ended = scratch_file(); // no socket, but at its end
    struct client_options options = {};
    Run run = run_in_child([&] { serve_client(ended.get(), &options); });
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
