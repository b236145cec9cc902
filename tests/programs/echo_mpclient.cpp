// SPDX-License-Identifier: MIT
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <initializer_list>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

static Words client_words(int port, const Words &options = {}) {
    Words words = {program("echo_mpclient")};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"127.0.0.1", std::to_string(port)});
    return words;
}

// One run of the client with INPUT as its standard input.
static Run talk_to(int port, const std::string &input,
                   const Words &options = {}) {
    Fd file = scratch_file(input);
    return run(client_words(port, options), {.input = file.get()});
}

static const std::string prefix = "Message from server: ";

// ---- what it sends and prints -----------------------------------------------

TEST_CASE("each line comes back with its prefix, until q") {
    Server server;
    Run client = talk_to(server.port, "hello\n\nworld\nq\nlost\n");
    CHECK(client.status == 0);
    CHECK(client.errors.empty());
    CHECK(client.output ==
          prefix + "hello\n" + prefix + "\n" + prefix + "world\n");
}

TEST_CASE("with -r, bytes of every value come back unchanged") {
    Server server;
    std::string bytes = pattern(16 << 20);
    for (const char *option : {"-r", "--raw"}) {
        Fd input = scratch_file(bytes);
        Fd output = scratch_file();
        Run raw = run(client_words(server.port, {option}),
                      {.input = input.get(), .output = output.get()});
        CHECK(raw.status == 0);
        REQUIRE(lseek(output.get(), 0, SEEK_SET) == 0);
        CHECK((receive_to_end(output) == bytes));
    }
}

TEST_CASE("it connects to names, by both families or a chosen one") {
    Server server;
    auto connect = [&](Words words) {
        words.insert(words.begin(), program("echo_mpclient"));
        words.push_back(std::to_string(server.port));
        return run(words);
    };
    CHECK(connect({"localhost"}).status == 0);
    if (have_ipv6())
        CHECK(connect({"-6", "::1"}).status == 0);
    CHECK(connect({"--ipv4", "-w", "5", "127.0.0.1"}).status == 0);
    const struct {
        Words words;
        const char *named;
    } other_family[] = {{{"-4", "::1"}, "::1 with -4: "},
                        {{"--ipv4", "::1"}, "::1 with -4: "},
                        {{"--ipv6", "127.0.0.1"}, "127.0.0.1 with -6: "}};
    for (const auto &[words, named] : other_family)
        CHECK(count_of("echo_mpclient: connect " + std::string(named),
                       connect(words).errors) == 1);
}

// ---- failures ---------------------------------------------------------------

TEST_CASE("a failed connection is reported") {
    Fd holder;
    int port = refusing_port(&holder);
    Run refused = talk_to(port, "");
    CHECK(refused.status == 1);
    CHECK(refused.errors ==
          "echo_mpclient: connect 127.0.0.1:" + std::to_string(port) + ": " +
              "Connection refused\n");
}

TEST_CASE("bytes that a server does not return are reported at the timeout") {
    Server server;
    server.signal(SIGSTOP);
    Run client = talk_to(server.port, "hello\n", {"-t", "1"});
    CHECK(client.status == 1);
    std::string start =
        "echo_mpclient: 127.0.0.1:" + std::to_string(server.port) + ": ";
    CHECK_MESSAGE(matches(client.errors,
                          start +
                              "receiving: (Connection|Operation) timed out\n" +
                              start + "sent 6 bytes, received 0\n"),
                  client.errors);
}

TEST_CASE("output that cannot be written is a failure") {
    Server server;
    Fd input = scratch_file("hello\n");
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    Run client = run(client_words(server.port),
                     {.input = input.get(), .output = full.get()});
    CHECK(client.status == 1);
    CHECK(count_of("standard output: No space left on device", client.errors) ==
          1);
}

TEST_CASE("input that cannot be read is a failure") {
    Server server;
    Run client = run(client_words(server.port),
                     {.in_child = [] { close(STDIN_FILENO); }});
    CHECK(client.status == 1);
    CHECK(count_of("standard input: Bad file descriptor", client.errors) == 1);
}

TEST_CASE("a fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    Server server;
    Run client = run(client_words(server.port),
                     {.in_child = [] { become_limited_user(1); }});
    CHECK(client.status == 1);
    CHECK(count_of("fork: Resource temporarily unavailable", client.errors) ==
          1);
}

// ---- signals ----------------------------------------------------------------

// A client whose output nobody reads: its receiver blocks in write(2).
struct Stuck {
    explicit Stuck(int port, const std::function<void()> &in_child)
        : client(client_words(port, {"-r"}), {.input = endless.get(),
                                              .output = output.write_end.get(),
                                              .in_child = in_child}) {
        CHECK(receive(output.read_end, 65536) == std::string(65536, '\0'));
    }

    Fd endless{open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    Pipe output = make_pipe();
    Process client;
};

TEST_CASE("Ctrl-C works while the output is blocked") {
    Server server;
    Stuck stuck(server.port, nullptr);
    pid_t pid = stuck.client.pid();
    REQUIRE(kill(-pid, SIGINT) == 0);
    siginfo_t end = {};
    CHECK(eventually([&] {
        return waitid(P_PID, static_cast<id_t>(pid), &end,
                      WEXITED | WNOWAIT | WNOHANG) == 0 &&
               end.si_pid == pid;
    }));
    CHECK(end.si_code == CLD_KILLED); // by the signal itself
    CHECK(stuck.client.wait() == 128 + SIGINT);
    CHECK(orphans_left_by(pid) == 0);
}

// Signals it alone; a terminal would signal its whole group.
static void end_process_1(Process &parent, int signo) {
    REQUIRE(kill(only_child_of(parent.pid()), signo) == 0);
    CHECK(parent.wait() == 128 + signo);
    CHECK(parent.errors.empty());
    CHECK(orphans_left_by(parent.pid()) == 0);
}

// A signal's default action does not terminate process 1, not even by raise(3).
// valgrind relies on it, and crashes.
TEST_CASE("as process 1 it terminates on a signal too" *
          doctest::skip(!have_pid_namespaces() || under_valgrind())) {
    Server server;
    for (int signo : {SIGINT, SIGTERM, SIGHUP}) {
        Stuck stuck(server.port, become_process_1);
        end_process_1(stuck.client, signo);
    }
}

TEST_CASE("as process 1 it terminates while it connects" *
          doctest::skip(!have_pid_namespaces() || under_valgrind())) {
    int port = 0;
    Fd listener = listen_locally(&port);
    // With a full backlog further connections wait: Linux drops their SYN.
    REQUIRE(listen(listener.get(), 0) == 0);
    Fd filler = dial(port);
    Process connects(client_words(port), {.in_child = become_process_1});
    pid_t client = only_child_of(connects.pid());
    REQUIRE(eventually([client] {
        return count_of("socket:", text_of(descriptors_of(client))) == 1 &&
               process_state(client) == "S";
    }));
    end_process_1(connects, SIGTERM);
}

TEST_CASE("SIGHUP stays ignored; else what it is started with has no effect") {
    Server server;
    Pipe keyboard = make_socket_pair();
    Process client(client_words(server.port),
                   {.input = keyboard.read_end.get(), .in_child = [] {
                        signal(SIGHUP, SIG_IGN); // by nohup(1)
                        signal(SIGCHLD, SIG_IGN);
                        block_every_signal();
                        close(STDERR_FILENO);
                    }});
    send_all(keyboard.write_end, "one\n");
    REQUIRE(client.output_has(prefix + "one\n"));
    client.signal(SIGHUP);
    send_all(keyboard.write_end, "two\nq\n");
    CHECK(client.wait() == 0);
    CHECK(client.output == prefix + "one\n" + prefix + "two\n");
}
