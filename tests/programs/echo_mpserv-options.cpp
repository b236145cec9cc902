// SPDX-License-Identifier: MIT
// The server's command line, environment, and failures at start.
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <initializer_list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "support/machine.h"
#include "support/proc.h"
#include "support/reasons.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

static Run serve_with(std::vector<std::string> words,
                      const StartOptions &start = {}) {
    words.insert(words.begin(), program("echo_mpserv"));
    return run(words, start);
}

TEST_CASE("help and version go to standard output, with status 0") {
    for (const char *word : {"-h", "--help"}) {
        Run help = serve_with({word});
        CHECK(help.status == 0);
        CHECK(help.errors.empty());
        CHECK(help.output.starts_with("usage: echo_mpserv "));
        for (const char *option :
             {"-a, --address", "-4, --ipv4", "-6, --ipv6", "-b, --backlog",
              "-c, --clients ", "-C, --clients-per-address", "-g, --grace",
              "-t, --timeout", "-q, --quiet", "-S, --no-sandbox", "-h, --help",
              "-V, --version"})
            CHECK_MESSAGE(count_of(option, help.output) == 1,
                          std::string(option));
    }
    for (const char *word : {"-V", "--version"}) {
        Run version = serve_with({word});
        CHECK(version.status == 0);
        CHECK(version.output.starts_with("echo_mpserv 0."));
    }
}

static void check_wrong(const std::vector<std::string> &words,
                        const std::string &named) {
    Run wrong = serve_with(words);
    CHECK(wrong.status == 2);
    CHECK(wrong.output.empty());
    CHECK_MESSAGE(wrong.errors.starts_with("echo_mpserv: "), wrong.errors);
    CHECK_MESSAGE(count_of(named, wrong.errors) == 1, wrong.errors);
    CHECK(count_of("\nusage: echo_mpserv ", wrong.errors) == 1);
}

TEST_CASE("an invalid port is named") {
    for (const char *port : {"", "65536", "+80", "80x", " 80", "0x50", "abc",
                             "18446744073709551616"})
        check_wrong({port}, "port: '" + std::string(port) + "'");
    check_wrong({"-1"}, "'-1'");
    check_wrong({}, "port is missing");
    check_wrong({"1", "2"}, "unexpected argument '2'");
}

TEST_CASE("invalid options are named") {
    check_wrong({"-x", "0"}, "'-x'");
    check_wrong({"--what", "0"}, "'--what'");
    check_wrong({"--quiet=1", "0"},
                "'--quiet=1' is unknown or takes no argument");
    check_wrong({"-c"}, "'-c' needs an argument");
    check_wrong({"0", "--clients"}, "'--clients' needs an argument");
    check_wrong({"--cl", "1", "0"}, "'--cl'"); // ambiguous
    check_wrong({"-c", "0", "0"}, "clients: '0'");
    check_wrong({"-C", "0", "0"}, "clients per address: '0'");
    check_wrong({"-b", "0", "0"}, "backlog: '0'");
    check_wrong({"-g", "1000001", "0"}, "grace: '1000001'");
    check_wrong({"-t", "-1", "0"}, "timeout: '-1'");
    check_wrong({"-4", "-6", "0"}, "-4 and -6");
}

TEST_CASE("an invalid address is named") {
    for (const char *address : {"", "localhost", "127.0.0.1.", "::1::"})
        check_wrong({"-a", address, "0"},
                    "address: '" + std::string(address) + "'");
    check_wrong({"-4", "-a", "::1", "0"},
                "'::1' is not a numeric IPv4 address, as -4 requires\n");
    check_wrong({"-6", "-a", "127.0.0.1", "0"},
                "is not a numeric IPv6 address, as -6 requires\n");
}

TEST_CASE("a missing interface is named") {
    Run run = serve_with({"-a", "fe80::1%nosuchdevice", "0"});
    CHECK(run.status == 1);
    CHECK(run.errors == "echo_mpserv: address: unknown interface in "
                        "'fe80::1%nosuchdevice'\n");
}

static bool answers(int port, int family) {
    Fd fd;
    return try_to_dial(port, family, &fd) == 0 && echoes(fd, "hello");
}

TEST_CASE("address and family determine which clients are served") {
    struct {
        std::vector<std::string> options;
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

// Compared, not counted: a container may have filters of its own.
static int filters_of(pid_t pid) {
    return std::stoi(status_field(pid, "Seccomp_filters"));
}

TEST_CASE("each long option has its effect") {
    Server one({"--clients=1"});
    Fd first = dial(one.port);
    CHECK(echoes(first, "one"));
    Fd second = dial(one.port);
    send_all(second, "two");
    first.close();
    CHECK(receive(second, 3) == "two");
    CHECK(one.output_has("new client", 2));
    CHECK(one.output.find("removed") < one.output.rfind("new client"));
    Server per_address({"--clients-per-address=1"});
    Fd kept = dial(per_address.port);
    CHECK(echoes(kept, "kept"));
    CHECK(receive_to_end(dial(per_address.port)).empty());
    Server impatient({"--timeout=1"});
    CHECK(receive_to_end(dial(impatient.port)).empty());
    CHECK(impatient.output_has("(timed out)"));
    Server graceless({"--grace=0"});
    Fd cut_off = dial(graceless.port);
    CHECK(echoes(cut_off, "hello"));
    graceless.signal(SIGTERM);
    CHECK(graceless.wait() == 0);
    CHECK(graceless.output_has("(killed by signal 9)"));
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
    for (const char *option : {"-b5", "--backlog=5"})
        CHECK(backlog_of(Server({option}).pid()) == 5);
}

TEST_CASE("--quiet and --no-sandbox have their effect") {
    Server server({"--quiet", "--no-sandbox"});
    CHECK(answers(server.port, AF_INET));
    CHECK(lines_of(server.output).size() == 1);
    CHECK(filters_of(server.pid()) == filters_of(getpid()));
}

TEST_CASE("the sandbox is installed by default" *
          doctest::skip(!have_seccomp())) {
    Server server;
    bool built_in = count_of("without sandbox", serve_with({"-V"}).output) == 0;
    CHECK(filters_of(server.pid()) == filters_of(getpid()) + built_in);
}

TEST_CASE("an address in use, or not of this host, is named") {
    Server first({"-a", "127.0.0.1"});
    std::string port = std::to_string(first.port);
    std::string in_use = ": " + reason_of(EADDRINUSE) + "\n";
    Run second = serve_with({"-a", "127.0.0.1", port});
    CHECK(second.status == 1);
    CHECK(second.errors == "echo_mpserv: bind 127.0.0.1:" + port + in_use);
    CHECK(serve_with({port}).errors ==
          "echo_mpserv: bind " + every_address() + ":" + port + in_use);
    Run foreign = serve_with({"-a", "192.0.2.1", "0"});
    CHECK(foreign.status == 1);
    CHECK(foreign.errors ==
          "echo_mpserv: bind 192.0.2.1:0: " + reason_of(EADDRNOTAVAIL) + "\n");
}

TEST_CASE("a privileged port requires permission" *
          doctest::skip(!can_become_limited_user())) {
    Fd file(open("/proc/sys/net/ipv4/ip_unprivileged_port_start",
                 O_RDONLY | O_CLOEXEC));
    if (std::stoi(receive(file, 16)) < 8)
        return; // not privileged here
    StartOptions start;
    start.in_child = [] { become_limited_user(10); };
    Run run = serve_with({"7"}, start);
    CHECK(run.status == 1);
    CHECK(run.errors == "echo_mpserv: bind " + every_address() +
                            ":7: " + reason_of(EACCES) + "\n");
}

// valgrind and the sanitizers have allocators of their own.
TEST_CASE("a table too large for memory is reported" *
          doctest::skip(under_valgrind() || under_sanitizer())) {
    StartOptions start;
    start.in_child = [] {
        struct rlimit little = {8 << 20, 8 << 20};
        setrlimit(RLIMIT_DATA, &little);
    };
    Run run = serve_with({"-c", "1000000", "0"}, start);
    CHECK(run.status == 1);
    CHECK(run.errors ==
          "echo_mpserv: cannot allocate a table for 1000000 clients: " +
              reason_of(ENOMEM) + "\n");
}

TEST_CASE("a passed listener is used") {
    int port = 0;
    Fd listener = listen_locally(&port);
    StartOptions start;
    start.in_child = [&] { pass_listener(listener); };
    Process server(server_command(), start);
    CHECK(server.output_has("listening on 127.0.0.1:" + std::to_string(port) +
                            "\n"));
    CHECK(answers(port, AF_INET));
    CHECK(eventually([&] { return descriptors_of(server.pid()).size() == 4; }));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
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

TEST_CASE("its code address differs in each run" *
          doctest::skip(under_valgrind())) {
    if (!can_stand_anywhere(program("echo_mpserv"))) {
        MESSAGE("skipped: it was built or is run at a fixed address");
        return;
    }
    Server one;
    Server other;
    CHECK(code_of(one.pid()) != "");
    CHECK(code_of(one.pid()) != code_of(other.pid()));
}

TEST_CASE("an MPTCP listener serves MPTCP and TCP clients" *
          doctest::skip(mptcp_socket().get() == -1)) {
    Fd listener = mptcp_socket();
    struct sockaddr_in address = {};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto *any = reinterpret_cast<struct sockaddr *>(&address);
    REQUIRE(bind(listener.get(), any, size) == 0);
    REQUIRE(listen(listener.get(), 5) == 0);
    REQUIRE(getsockname(listener.get(), any, &size) == 0);
    StartOptions start;
    start.in_child = [&] { pass_listener(listener); };
    Process server(server_command({"-t", "30"}), start);
    CHECK(server.output_has("listening on 127.0.0.1:"));
    CHECK(echoes(dial(ntohs(address.sin_port)), "tcp"));
    Fd client = mptcp_socket();
    REQUIRE(connect(client.get(), any, size) == 0);
    CHECK(echoes(client, "mptcp"));
    client.close();
    CHECK(server.output_has("(client disconnected)", 2));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

TEST_CASE("a client that connected before the server started is served") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd early = dial(port);
    StartOptions start;
    start.in_child = [&] { pass_listener(listener); };
    Process server(server_command({"-t", "1"}), start);
    CHECK(receive_to_end(early).empty()); // it was idle too long
    CHECK(server.output_has("(timed out)"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

TEST_CASE("a passed descriptor that is not a listener is refused") {
    StartOptions start;
    Fd file = scratch_file();
    start.in_child = [&] { pass_listener(file); };
    Run refused = serve_with({}, start);
    CHECK(refused.status == 1);
    CHECK(refused.errors.starts_with("echo_mpserv: LISTEN_FDS: "));
    start.in_child = [&] {
        pass_listener(file);
        setenv("LISTEN_FDS", "2", 1);
    };
    CHECK(serve_with({}, start).status == 2);
    start.in_child = [&] {
        pass_listener(file);
        setenv("LISTEN_PID", "1", 1); // meant for another process
    };
    CHECK(count_of("port is missing, and LISTEN_PID names another process\n",
                   serve_with({}, start).errors) == 1);
}
