// SPDX-License-Identifier: MIT
// The server's command line and environment, and failures at start.
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

static Run serve_with(Words words, const StartOptions &start = {}) {
    words.insert(words.begin(), program("echo_mpserv"));
    return run(words, start);
}

TEST_CASE("an address that cannot be used is named") {
    Server server({"-a", "127.0.0.1"});
    std::string port = std::to_string(server.port);
    const struct {
        Words words;
        std::string errors; // a regular expression
    } cases[] = {
        {{"-a", "fe80::1%nosuchdevice", "0"},
         "address: unknown interface in 'fe80::1%nosuchdevice'\n"},
        {{"-a", "127.0.0.1", port},
         "bind 127.0.0.1:" + port + ": Address (already )?in use\n"},
    };
    for (const auto &c : cases) {
        Run run = serve_with(c.words);
        CHECK(run.status == 1);
        CHECK_MESSAGE(matches(run.errors, "echo_mpserv: " + c.errors),
                      run.errors);
    }
}

static bool answers(int port, int family) {
    Fd fd;
    return try_to_dial(port, family, &fd) == 0 && echoes(fd, "hello");
}

TEST_CASE("address and family determine which clients are served") {
    const struct {
        Words options;
        std::string line;
        bool ipv4, ipv6;
    } cases[] = {
        {{}, "listening on " + every_address() + ":", true, have_ipv6()},
        {{"-4"}, "listening on 0.0.0.0:", true, false},
        {{"--ipv4"}, "listening on 0.0.0.0:", true, false},
        {{"-a", "127.0.0.1"}, "listening on 127.0.0.1:", true, false},
        {{"-6"}, "listening on [::]:", false, true},
        {{"--ipv6"}, "listening on [::]:", false, true},
        {{"--address=::1"}, "listening on [::1]:", false, true},
        {{"-a", "::"}, "listening on [::]:", true, true},
        {{"-6", "-a", "::"}, "listening on [::]:", false, true},
    };
    for (const auto &c : cases) {
        CAPTURE(c.line);
        if (c.ipv6 && !have_ipv6())
            continue;
        Server server(c.options);
        CHECK(server.output.starts_with(c.line));
        CHECK(answers(server.port, AF_INET) == c.ipv4);
        CHECK(answers(server.port, AF_INET6) == c.ipv6);
    }
}

// The backlog of PID's listener, descriptor 3; -1 if unknown.
static int backlog_of(pid_t pid) {
    Fd listener = copy_of_descriptor(pid, 3);
    struct tcp_info info = {};
    socklen_t size = sizeof info;
    if (getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == -1)
        return -1;
    return static_cast<int>(info.tcpi_sacked); // for a listener, its backlog
}

TEST_CASE("the backlog is as specified, or the largest" *
          doctest::skip(!can_copy_descriptors())) {
    Server server;
    Fd file(open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC));
    CHECK(backlog_of(server.pid()) == std::stoi(receive(file, 16)));
    CHECK(backlog_of(Server({"-b5"}).pid()) == 5);
}

// Compared, not counted: a container may have filters of its own.
static int filters_of(pid_t pid) {
    return std::stoi(status_field(pid, "Seccomp_filters"));
}

TEST_CASE("the sandbox is installed, unless it is not wanted" *
          doctest::skip(!have_seccomp())) {
    bool built_in = count_of("without sandbox", serve_with({"-V"}).output) == 0;
    int own = filters_of(getpid());
    CHECK(filters_of(Server().pid()) == own + built_in);
    CHECK(filters_of(Server({"-S"}).pid()) == own);
    CHECK(filters_of(Server({"--no-sandbox"}).pid()) == own);
}

// The start address of PID's code.
static std::string code_of(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    for (std::string line; std::getline(maps, line);)
        if (count_of(" r-xp ", line) == 1)
            return line.substr(0, line.find('-'));
    return "";
}

// A program linked at a fixed address says so in its header.
static bool can_stand_anywhere(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr header = {};
    file.read(reinterpret_cast<char *>(&header), sizeof header);
    int random = 0;
    std::ifstream("/proc/sys/kernel/randomize_va_space") >> random;
    return header.e_type == ET_DYN && random > 0 &&
           personality(0xffffffff) != ADDR_NO_RANDOMIZE;
}

TEST_CASE("its code address differs between runs" *
          doctest::skip(under_valgrind())) {
    if (!can_stand_anywhere(program("echo_mpserv"))) {
        MESSAGE("skipped: it was built or is run at a fixed address");
        return;
    }
    std::string first = code_of(Server().pid());
    CHECK(first != "");
    bool differs = false;
    // A 32-bit machine has only sixteen such addresses.
    for (int i = 0; i < 8 && !differs; i++)
        differs = code_of(Server().pid()) != first;
    CHECK(differs);
}

TEST_CASE("a passed listener is used, with the options for its clients") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd early = dial(port); // before the server could set them for it
    send_all(early, "hello");
    Process server(server_command({"-t", "1"}),
                   {.in_child = [&] { pass_listener(listener); }});
    CHECK(server.output_has("listening on 127.0.0.1:" + std::to_string(port) +
                            "\n"));
    CHECK(receive(early, 5) == "hello");
    CHECK(eventually([&] { return descriptors_of(server.pid()).size() == 4; }));
    CHECK(receive_to_end(early).empty());
    CHECK(server.output_has("(timed out)"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

TEST_CASE("a passed descriptor that cannot be used is reported") {
    Fd file = scratch_file();
    const struct {
        const char *variable, *value; // besides those that pass FILE
        int status;
        const char *message;
    } cases[] = {
        {"UNUSED", "", 1, "LISTEN_FDS: cannot use descriptor 3: "},
        {"LISTEN_FDS", "2", 2, "LISTEN_PID must be a process ID, and "},
        {"LISTEN_PID", "1", 2,
         "port is missing, and LISTEN_PID names another process\n"},
    };
    for (const auto &c : cases) {
        Run refused = serve_with({}, {.in_child = [&] {
                                     pass_listener(file);
                                     setenv(c.variable, c.value, 1);
                                 }});
        CHECK(refused.status == c.status);
        CHECK(refused.errors.starts_with(std::string("echo_mpserv: ") +
                                         c.message));
    }
}
