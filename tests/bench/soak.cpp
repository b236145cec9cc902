// SPDX-License-Identifier: MIT
// soak - a hundred thousand clients, eight at a time, after which the server
// must hold no more descriptors, children or pages than after the first tenth
// of them. Its speed is for information only.
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>

#include "support/proc.h"
#include "support/server.h"
#include "support/waiting.h"

constexpr int a_tenth = 10000;
constexpr long noise_pages = 2;

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

// The load compares every byte, and waits until all children are reaped.
static void serve_a_tenth(const Server &server) {
    Process load({test_program("load"), "-c", "8", "-t", "20", "-n",
                  std::to_string(a_tenth), "-p", std::to_string(server.pid()),
                  "connect", std::to_string(server.port)});
    while (!eventually([&] { return load.has_ended(); }))
        ; // it gives up by itself
    REQUIRE_MESSAGE(load.wait() == 0, load.errors);
    printf("%s", load.output.c_str());
}

// Checks the statistics, and that it sleeps.
static void check_rest(Server &server, int served) {
    std::string totals = "served " + std::to_string(served) +
                         ", live 0, refused 0, fork failures 0, lines lost 0\n";
    server.signal(SIGUSR1);
    REQUIRE_MESSAGE(server.output_has(totals), server.output, server.errors);
    REQUIRE(eventually([&] { return process_state(server.pid()) == "S"; }));
}

TEST_CASE("a server that has served many is what it was") {
    Server server({"-q"});
    Descriptors held = descriptors_of(server.pid());
    serve_a_tenth(server);
    check_rest(server, a_tenth);
    Memory early = memory_of(server.pid());
    for (int i = 1; i < 10; i++)
        serve_a_tenth(server);
    check_rest(server, 10 * a_tenth);
    Memory late = memory_of(server.pid());
    printf("anonymous memory %ld kB, then %ld kB; mapped %ld kB, then %ld kB\n",
           early.anonymous, late.anonymous, early.mapped, late.mapped);
    CHECK(late.anonymous - early.anonymous <=
          noise_pages * getpagesize() / 1024);
    CHECK(late.mapped == early.mapped);
    CHECK((descriptors_of(server.pid()) == held));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.errors.empty());
    CHECK(orphans_left_by(server.pid()) == 0);
}
