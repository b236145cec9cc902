// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <netdb.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/reasons.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

static std::vector<std::string>
client_words(int port, const std::vector<std::string> &options = {}) {
    std::vector<std::string> words = {program("echo_mpclient")};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back("127.0.0.1");
    words.push_back(std::to_string(port));
    return words;
}

// One run of the client with INPUT as its standard input.
static Run talk_to(int port, const std::string &input,
                   const std::vector<std::string> &options = {}) {
    Fd file = scratch_file(input);
    StartOptions start;
    start.input = file.get();
    return run(client_words(port, options), start);
}

// The client's keyboard: the test types, and may close it.
struct Keyboard {
    Pipe pipe = make_pipe();
    StartOptions start() const {
        StartOptions options;
        options.input = pipe.read_end.get();
        return options;
    }
    void type(const std::string &text) const {
        size_t size = text.size();
        for (size_t at = 0; at < size;) {
            ssize_t n =
                write(pipe.write_end.get(), text.data() + at, size - at);
            REQUIRE(n > 0);
            at += static_cast<size_t>(n);
        }
    }
};

static const std::string prefix = "Message from server: ";

TEST_CASE("each line comes back with its prefix") {
    Server server;
    Run client = talk_to(server.port, "hello\n\nworld\n");
    CHECK(client.status == 0);
    CHECK(client.errors.empty());
    CHECK(client.output ==
          prefix + "hello\n" + prefix + "\n" + prefix + "world\n");
}

TEST_CASE("it exits on q or Q alone on a line, and on no other line") {
    Server server;
    for (const char *quit : {"q\n", "Q\n", "q", "Q"})
        CHECK(talk_to(server.port, "one\n" + std::string(quit)).output ==
              prefix + "one\n");
    CHECK(talk_to(server.port, "q\nlost\n").output.empty());
    CHECK(count_of(prefix, talk_to(server.port, "quit\n q\nqq\n").output) == 3);
    // 29 characters fill the book's buffer, so that q is read separately.
    std::string line = std::string(29, 'x') + "q\n";
    CHECK(talk_to(server.port, line + "end\n").output ==
          prefix + line + prefix + "end\n");
}

TEST_CASE("bytes of every value and lines of any length come back") {
    Server server;
    std::string nul("a\0b\n\0", 5);
    CHECK(talk_to(server.port, nul).output ==
          prefix + std::string("a\0b\n", 4) + prefix + std::string(1, '\0'));
    std::string line(300000, 'x');
    CHECK(talk_to(server.port, line + "\n").output == prefix + line + "\n");
    std::string bytes = pattern(16 << 20);
    for (const char *option : {"-r", "--raw"}) {
        Run raw = talk_to(server.port, bytes, {option});
        CHECK(raw.status == 0);
        CHECK((raw.output == bytes));
    }
}

TEST_CASE("a conversation at the keyboard") {
    Server server;
    Keyboard keyboard;
    Process client(client_words(server.port), keyboard.start());
    keyboard.type("one\n");
    CHECK(client.output_has(prefix + "one\n"));
    keyboard.type("two\n");
    CHECK(client.output_has(prefix + "two\n"));
    CHECK_FALSE(client.has_ended());
    keyboard.type("q\n");
    CHECK(client.wait() == 0);
    CHECK(orphans_left_by(client.pid()) == 0);
}

TEST_CASE("it connects to names, by both families or a chosen one") {
    Server server;
    std::string port = std::to_string(server.port);
    auto status = [&](std::vector<std::string> words) {
        words.insert(words.begin(), program("echo_mpclient"));
        words.push_back(port);
        return run(words).status;
    };
    CHECK(status({"localhost"}) == 0);
    if (have_ipv6()) {
        CHECK(status({"::1"}) == 0);
        CHECK(status({"-6", "::1"}) == 0);
    }
    CHECK(status({"--ipv4", "-w", "5", "127.0.0.1"}) == 0);
    Run other = run({program("echo_mpclient"), "-4", "::1", port});
    CHECK(other.status == 1);
    CHECK(other.errors.starts_with("echo_mpclient: connect ::1 with -4: "));
}

TEST_CASE("a failed connection is reported") {
    Fd holder;
    int port = refusing_port(&holder);
    Run refused = talk_to(port, "");
    CHECK(refused.status == 1);
    CHECK(refused.errors ==
          "echo_mpclient: connect 127.0.0.1:" + std::to_string(port) + ": " +
              reason_of(ECONNREFUSED) + "\n");
    // Too long for any resolver to query the network.
    std::string host(64, 'x');
    Run unknown = run({program("echo_mpclient"), host, "7"});
    CHECK(unknown.status == 1);
    CHECK(count_of("connect xxx", unknown.errors) == 1);
    CHECK(count_of(": " + reason_of(EAI_NONAME) + "\n", unknown.errors) == 1);
}

static bool timed_out(const std::string &errors) {
    return count_of("receiving: " + reason_of(ETIMEDOUT) + "\n", errors) == 1;
}

// A health check as in the manual page.
static Run check_health(int port) {
    return talk_to(port, "", {"-t", "1", "--wait", "40"});
}

TEST_CASE("a health check finishes, whatever the server does") {
    Server server({"-c", "1"});
    CHECK(check_health(server.port).status == 0);
    Fd client = dial(server.port);
    REQUIRE(echoes(client, "x"));
    Run full = check_health(server.port);
    CHECK(full.status == 1);
    CHECK(timed_out(full.errors));
    client.close();
    server.signal(SIGSTOP);
    Run stopped = check_health(server.port);
    CHECK(stopped.status == 1);
    CHECK(timed_out(stopped.errors));
}

TEST_CASE("bytes that a server does not return are reported at the timeout") {
    Server server;
    server.signal(SIGSTOP);
    Keyboard keyboard;
    Process client(client_words(server.port, {"--timeout", "1"}),
                   keyboard.start());
    keyboard.type("hello\n");
    CHECK(client.wait() == 1);
    CHECK(timed_out(client.errors));
    CHECK(count_of("sent 6 bytes, received 0\n", client.errors) == 1);
    CHECK(orphans_left_by(client.pid()) == 0);
}

TEST_CASE("a user who types nothing is not disconnected by the client") {
    Server server({"-t", "2"});
    Keyboard keyboard;
    Process client(client_words(server.port, {"-t", "1"}), keyboard.start());
    keyboard.type("hello\n");
    CHECK(client.wait() == 1); // the server timed out first
    CHECK(client.output == prefix + "hello\n");
    CHECK(count_of("the server closed the connection\n", client.errors) == 1);
}

TEST_CASE("help, version and invalid arguments") {
    for (const char *word : {"-h", "--help"}) {
        Run help = run({program("echo_mpclient"), word});
        CHECK(help.status == 0);
        CHECK(help.output.starts_with("usage: echo_mpclient "));
    }
    Run version = run({program("echo_mpclient"), "--version"});
    CHECK(version.status == 0);
    CHECK(version.output.starts_with("echo_mpclient 0."));
    struct {
        std::vector<std::string> words;
        const char *named;
    } cases[] = {
        {{}, "host is missing"},
        {{"localhost"}, "port is missing"},
        {{"", "1"}, "host is empty"},
        {{"localhost", "0"}, "port: '0'"},
        {{"localhost", "65536"}, "port: '65536'"},
        {{"localhost", "http"}, "port: 'http'"},
        {{"localhost", "1", "2"}, "unexpected argument '2'"},
        {{"-x", "localhost", "1"}, "'-x'"},
        {{"-t", "1000001", "localhost", "1"}, "timeout: '1000001'"},
        {{"-w", "x", "localhost", "1"}, "wait: 'x'"},
        {{"-46", "localhost", "1"}, "-4 and -6"},
        {{"-w"}, "'-w' needs an argument"},
        {{"--raw=1", "localhost", "1"},
         "'--raw=1' is unknown or takes no argument"},
    };
    for (const auto &c : cases) {
        std::vector<std::string> words = c.words;
        words.insert(words.begin(), program("echo_mpclient"));
        Run wrong = run(words);
        CHECK(wrong.status == 2);
        CHECK_MESSAGE(count_of(c.named, wrong.errors) == 1, wrong.errors);
        CHECK(count_of("\nusage: echo_mpclient ", wrong.errors) == 1);
    }
}

// ---- a server within the test -----------------------------------------------

struct Peer {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd accept() const {
        Fd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(fd.get() != -1);
        struct timeval limit = {deadline_seconds, 0};
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        return fd;
    }
};

// A client at a keyboard, and the server's end of its connection.
struct Conversation {
    Peer peer;
    Keyboard keyboard;
    Process client{client_words(peer.port), keyboard.start()};
    Fd end = peer.accept();
};

TEST_CASE_FIXTURE(Conversation,
                  "a byte that does not come back is reported, with status 1") {
    keyboard.type("hello\nq\n");
    CHECK(receive_to_end(end) == "hello\n");
    send_all(end, "hell");
    end.close();
    CHECK(client.wait() == 1);
    CHECK(count_of("sent 6 bytes, received 4\n", client.errors) == 1);
}

TEST_CASE_FIXTURE(Conversation,
                  "bytes still in transit after q are received too") {
    keyboard.type("hello\nq\n");
    CHECK(receive_to_end(end) == "hello\n"); // it has half-closed
    send_all(end, "hel");
    CHECK(client.output_has(prefix + "hel"));
    send_all(end, "lo\n");
    end.close();
    CHECK(client.wait() == 0);
    CHECK(client.output == prefix + "hello\n"); // one line, one prefix
}

TEST_CASE_FIXTURE(Conversation,
                  "if the server closes first, client and writer terminate") {
    keyboard.type("hello\n");
    CHECK(receive(end, 6) == "hello\n");
    send_all(end, "hello\n");
    CHECK(client.output_has(prefix + "hello\n"));
    end.close();
    CHECK(client.wait() == 1);
    CHECK(count_of("the server closed the connection\n", client.errors) == 1);
    CHECK(orphans_left_by(client.pid()) == 0);
}

TEST_CASE_FIXTURE(Conversation,
                  "a server that closes before any data was sent is reported") {
    end.close();
    CHECK(client.wait() == 1);
    CHECK(client.output.empty());
    CHECK(count_of("the server closed the connection\n", client.errors) == 1);
}

TEST_CASE_FIXTURE(Conversation,
                  "a reset is a failure, and the writer terminates") {
    keyboard.type("hello\n");
    CHECK(receive(end, 6) == "hello\n");
    reset_connection(end);
    CHECK(client.wait() == 1);
    CHECK(count_of(reason_of(ECONNRESET), client.errors) == 1);
    CHECK(orphans_left_by(client.pid()) == 0);
}

TEST_CASE("unwritable output is a failure, and the writer terminates") {
    Server server;
    for (bool full : {true, false}) {
        Keyboard keyboard;
        StartOptions start = keyboard.start();
        Fd device(open("/dev/full", O_WRONLY | O_CLOEXEC));
        Pipe broken = make_pipe();
        broken.read_end.close();
        start.output = full ? device.get() : broken.write_end.get();
        Process client(client_words(server.port), start);
        keyboard.type("hello\n");
        CHECK(client.wait() == 1);
        CHECK(count_of("standard output: " + reason_of(full ? ENOSPC : EPIPE),
                       client.errors) == 1);
        CHECK(orphans_left_by(client.pid()) == 0);
    }
}

TEST_CASE("closed or unreadable input is a failure") {
    Server server;
    StartOptions start;
    start.in_child = [] { close(STDIN_FILENO); };
    Run closed = run(client_words(server.port), start);
    CHECK(closed.status == 1);
    CHECK(count_of("standard input: " + reason_of(EBADF), closed.errors) == 1);
    Fd folder(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    start = {};
    start.input = folder.get();
    Run directory = run(client_words(server.port), start);
    CHECK(directory.status == 1);
    CHECK(count_of("standard input: Is a directory", directory.errors) == 1);
}

TEST_CASE("if the writer is killed, the client reports it and exits") {
    Server server;
    Keyboard keyboard;
    Process client(client_words(server.port), keyboard.start());
    keyboard.type("hello\n");
    REQUIRE(client.output_has(prefix + "hello\n"));
    REQUIRE(kill(only_child_of(client.pid()), SIGKILL) == 0);
    CHECK(client.wait() == 1);
    CHECK(count_of("the writer was killed\n", client.errors) == 1);
}

TEST_CASE("the writer terminates with the client, whatever ends that") {
    Server server;
    for (int signo : {SIGINT, SIGTERM, SIGHUP, SIGKILL, SIGQUIT}) {
        Keyboard keyboard;
        Process client(client_words(server.port), keyboard.start());
        keyboard.type("hello\n");
        REQUIRE(client.output_has(prefix + "hello\n"));
        client.signal(signo);
        siginfo_t end = {};
        REQUIRE(waitid(P_PID, static_cast<id_t>(client.pid()), &end,
                       WEXITED | WNOWAIT) == 0);
        CHECK(end.si_code != CLD_EXITED); // by the signal itself
        CHECK(client.wait() == 128 + signo);
        int orphans = orphans_left_by(client.pid());
        // Where a handler can run, it has also reaped the writer.
        if (signo != SIGKILL && signo != SIGQUIT)
            CHECK(orphans == 0);
    }
}

TEST_CASE("Ctrl-C works while the output is blocked") {
    Server server;
    Pipe stuck = make_pipe();
    Fd endless(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    StartOptions start;
    start.input = endless.get();
    start.output = stuck.write_end.get();
    Process client(client_words(server.port, {"-r"}), start);
    std::string some = receive(stuck.read_end, 65536);
    CHECK(some == std::string(65536, '\0'));
    REQUIRE(kill(-client.pid(), SIGINT) == 0);
    CHECK(client.wait() == 128 + SIGINT);
    CHECK(orphans_left_by(client.pid()) == 0);
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
        Keyboard keyboard;
        StartOptions start = keyboard.start();
        start.in_child = become_process_1;
        Process talks(client_words(server.port), start);
        keyboard.type("hello\n");
        REQUIRE(talks.output_has(prefix + "hello\n"));
        end_process_1(talks, signo);

        Pipe stuck = make_pipe();
        Fd endless(open("/dev/zero", O_RDONLY | O_CLOEXEC));
        start.input = endless.get();
        start.output = stuck.write_end.get();
        Process stalls(client_words(server.port, {"-r"}), start);
        CHECK(receive(stuck.read_end, 65536) == std::string(65536, '\0'));
        end_process_1(stalls, signo);
    }
}

TEST_CASE("as process 1 it terminates while it connects" *
          doctest::skip(!have_pid_namespaces() || under_valgrind())) {
    Peer peer;
    // With a full backlog further connections wait: Linux drops their SYN.
    REQUIRE(listen(peer.listener.get(), 0) == 0);
    Fd filler = dial(peer.port);
    StartOptions start;
    start.in_child = become_process_1;
    Process connects(client_words(peer.port), start);
    pid_t client = only_child_of(connects.pid());
    REQUIRE(eventually([client] {
        return count_of("socket:", text_of(descriptors_of(client))) == 1 &&
               process_state(client) == "S";
    }));
    end_process_1(connects, SIGTERM);
}

TEST_CASE("SIGHUP stays ignored under nohup") {
    Server server;
    Keyboard keyboard;
    StartOptions start = keyboard.start();
    start.in_child = [] { signal(SIGHUP, SIG_IGN); };
    Process client(client_words(server.port), start);
    keyboard.type("one\n");
    REQUIRE(client.output_has(prefix + "one\n"));
    client.signal(SIGHUP);
    keyboard.type("two\nq\n");
    CHECK(client.wait() == 0);
}

TEST_CASE("closed descriptors and blocked signals at start have no effect") {
    Server server;
    const std::function<void()> starts[] = {
        [] { signal(SIGCHLD, SIG_IGN); },
        block_every_signal,
        [] { close(STDERR_FILENO); },
    };
    for (const auto &in_child : starts) {
        Fd file = scratch_file("hello\n");
        StartOptions start;
        start.input = file.get();
        start.in_child = in_child;
        Run client = run(client_words(server.port), start);
        CHECK(client.status == 0);
        CHECK(client.output == prefix + "hello\n");
    }
}

TEST_CASE("non-blocking input and output have no effect") {
    Server server;
    Keyboard keyboard;
    Pipe output = make_pipe();
    fcntl(keyboard.pipe.read_end.get(), F_SETFL, O_NONBLOCK);
    fcntl(output.write_end.get(), F_SETFL, O_NONBLOCK);
    StartOptions start = keyboard.start();
    start.output = output.write_end.get();
    Process client(client_words(server.port, {"-r"}), start);
    output.write_end.close();
    // Far more than the pipes hold, so that each side must wait for the other.
    std::string bytes = pattern(4 << 20);
    std::thread typist([&] {
        keyboard.type(bytes);
        keyboard.pipe.write_end.close();
    });
    std::string back = receive_to_end(output.read_end);
    typist.join();
    CHECK((back == bytes));
    CHECK(client.wait() == 0);
}

TEST_CASE("a fork that fails is reported" *
          doctest::skip(!can_become_limited_user())) {
    Server server;
    StartOptions start;
    start.in_child = [] { become_limited_user(1); };
    Run client = run(client_words(server.port), start);
    CHECK(client.status == 1);
    CHECK(count_of("fork: " + reason_of(EAGAIN), client.errors) == 1);
}
