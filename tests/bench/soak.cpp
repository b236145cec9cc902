// SPDX-License-Identifier: MIT
// soak - a hundred thousand clients, one after another, after which the server
// must hold no more descriptors, children or pages than before. Its speed is
// for information only. usage: soak [connections]
#define DOCTEST_CONFIG_IMPLEMENT
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <map>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

#include "support/proc.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

constexpr int at_once = 8;
constexpr size_t message_size = 64;
// The side that closes first, here the client, keeps the pair of addresses in
// TIME_WAIT for a minute: a single address would run out of ports.
constexpr unsigned loopback_addresses = 250;
constexpr long noise_pages = 2;

static int connections = 100000;

// In kB. File mappings count only by size: how much of them is resident or
// dirty is up to the kernel.
struct Memory {
    long anonymous, mapped;
};

static Memory memory_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    std::map<std::string, long> sizes;
    std::string name;
    std::getline(file, name); // the range of addresses
    for (long size = 0; file >> name >> size; file.ignore(16, '\n'))
        sizes[name] = size;
    REQUIRE(sizes.contains("Anonymous:"));
    return {sizes["Anonymous:"], std::stol(status_field(pid, "VmSize"))};
}

static Fd dial_address(int port, unsigned number) {
    struct sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<in_port_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
    Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct timeval limit = {deadline_seconds, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    REQUIRE(connect(fd.get(), reinterpret_cast<struct sockaddr *>(&to),
                    sizeof to) == 0);
    return fd;
}

// Clients FIRST to LAST, excluding LAST.
static void send_clients(int port, int first, int last) {
    std::string bytes = pattern(message_size + at_once);
    for (int next = first; next < last;) {
        std::vector<Fd> clients;
        for (; clients.size() < at_once && next < last; next++) {
            unsigned number = static_cast<unsigned>(next) % loopback_addresses;
            clients.push_back(dial_address(port, number));
        }
        // Different bytes for each, so that no two can be confused.
        for (size_t i = 0; i < clients.size(); i++)
            send_all(clients[i], bytes.substr(i, message_size));
        for (size_t i = 0; i < clients.size(); i++)
            REQUIRE(receive(clients[i], message_size) ==
                    bytes.substr(i, message_size));
    }
}

// Checks the statistics, and that it sleeps with no child left, dead or alive.
static void check_rest(Server &server, int served) {
    REQUIRE(eventually([&] { return children_of(server.pid()).empty(); }));
    std::string totals = "served " + std::to_string(served) +
                         ", live 0, refused 0, fork failures 0, lines lost 0\n";
    server.signal(SIGUSR1);
    REQUIRE_MESSAGE(server.output_has(totals), server.output, server.errors);
    REQUIRE(eventually([&] { return process_state(server.pid()) == "S"; }));
}

static void print_figures(double seconds, const Memory &early,
                          const Memory &late) {
    printf("%d connections, %.0f a second; anonymous memory %ld kB after a "
           "tenth, %ld kB at the end; mapped %ld kB, %ld kB\n",
           connections, connections / seconds, early.anonymous, late.anonymous,
           early.mapped, late.mapped);
}

TEST_CASE("a server that has served many is what it was") {
    using Clock = std::chrono::steady_clock;
    Server server({"-q"});
    auto held = descriptors_of(server.pid());
    std::chrono::duration<double> spent{};
    Clock::time_point start = Clock::now();
    send_clients(server.port, 0, connections / 10);
    spent += Clock::now() - start;
    check_rest(server, connections / 10);
    Memory early = memory_of(server.pid());
    start = Clock::now();
    send_clients(server.port, connections / 10, connections);
    spent += Clock::now() - start;
    check_rest(server, connections);
    Memory late = memory_of(server.pid());
    print_figures(spent.count(), early, late);
    long grown = late.anonymous - early.anonymous;
    CHECK(grown <= noise_pages * getpagesize() / 1024);
    CHECK(late.mapped == early.mapped);
    CHECK((descriptors_of(server.pid()) == held));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.errors.empty());
    CHECK(orphans_left_by(server.pid()) == 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        connections = atoi(argv[1]);
    if (argc > 2 || connections < 10) {
        fprintf(stderr, "usage: soak [connections], 10 or more\n");
        return 2;
    }
    return doctest::Context().run();
}
