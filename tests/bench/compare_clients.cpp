// SPDX-License-Identifier: MIT
// compare_clients - echo_mpclient -r and its installed peers: each sends a file
// to echo_mpserv, and every byte that comes back is compared; one table. Fails
// only on wrong bytes and errors of the project's own client, never on time.
// Those of a peer are reported, and leave its cell empty.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/servers.h"
#include "bench/table.h"
#include "common/arguments.h"
#include "support/server.h"
#include "support/sockets.h"

constexpr char usage[] = "usage: compare_clients [-m MiB] [-r rounds]";

static struct {
    int mib = 256;
    int rounds = 3;
} settings;

static std::vector<Contestant> all_clients() {
    return {
        {"echo_mpclient",
         {program("echo_mpclient"), "-r", "127.0.0.1", "PORT"},
         true},
        {"nc", {path_of("nc.openbsd"), "-N", "127.0.0.1", "PORT"}, false},
        // Otherwise it would wait only half a second for the last bytes.
        {"socat",
         {path_of("socat"), "-b", "65536", "-t", "60", "-",
          "TCP:127.0.0.1:PORT"},
         false},
    };
}

// ---- one measurement --------------------------------------------------------

using Seconds = std::chrono::duration<double>;

struct Times {
    Seconds wall; // from an arbitrary start
    Seconds user; // of the children reaped
};

static Times times_now() {
    struct rusage spent = {};
    REQUIRE(getrusage(RUSAGE_CHILDREN, &spent) == 0);
    return {std::chrono::steady_clock::now().time_since_epoch(),
            std::chrono::seconds(spent.ru_utime.tv_sec) +
                std::chrono::microseconds(spent.ru_utime.tv_usec)};
}

// Whether FD yields BYTES and then end of file.
static bool all_come(const Fd &fd, const std::string &bytes) {
    static char piece[256 * 1024];
    size_t at = 0;
    ssize_t n = 0;
    while ((n = read(fd.get(), piece, sizeof piece)) > 0) {
        size_t size = static_cast<size_t>(n);
        if (size > bytes.size() - at || memcmp(piece, &bytes[at], size) != 0)
            return false;
        at += size;
    }
    return n == 0 && at == bytes.size();
}

static Times measure_one(const Contestant &client, int port, const Fd &file,
                         const std::string &bytes) {
    constexpr Times none = {Seconds(NAN), Seconds(NAN)};
    if (!client.installed())
        return none;
    REQUIRE(lseek(file.get(), 0, SEEK_SET) == 0);
    Pipe pipe = make_pipe();
    StartOptions start;
    start.input = file.get();
    start.output = pipe.write_end.get();
    Times before = times_now();
    Process process(words_at(client, port), start);
    pipe.write_end.close();
    bool good = all_come(pipe.read_end, bytes);
    pipe.read_end.close(); // the writer may have more
    good &= process.wait() == 0;
    REQUIRE_MESSAGE((good || !client.own), client.name, process.errors);
    Times after = times_now();
    if (good)
        return {after.wall - before.wall, after.user - before.user};
    fprintf(stderr, "%s: not all came back: %s\n", client.name.c_str(),
            process.errors.c_str());
    return none;
}

// ---- all of them ------------------------------------------------------------

static Table empty_table(const std::vector<Contestant> &clients) {
    std::string size = std::to_string(settings.mib) + " MiB";
    Table table = {size + " through each client to echo_mpserv and back, " +
                       std::to_string(settings.rounds) +
                       " rounds. A ratio over 1: echo_mpclient is better." +
                       not_installed(clients),
                   {},
                   1,
                   {}};
    for (const Contestant &client : clients)
        table.names.push_back(client.name);
    std::vector<std::vector<double>> values(
        clients.size(),
        std::vector<double>(static_cast<size_t>(settings.rounds)));
    table.rows = {{size + " there and back, s", true, 2, values},
                  {"user time for 1 GiB, s", true, 2, values}};
    return table;
}

TEST_CASE("the client beside its peers") {
    std::vector<Contestant> clients = all_clients();
    Table table = empty_table(clients);
    std::string bytes = pattern(static_cast<size_t>(settings.mib) << 20);
    Fd file = scratch_file(bytes);
    Server server({"-q"});
    for (size_t round = 0; round < static_cast<size_t>(settings.rounds);
         round++)
        // Each round starts with a different one.
        for (size_t i = 0; i < clients.size(); i++) {
            size_t next = (i + round) % clients.size();
            Times times = measure_one(clients[next], server.port, file, bytes);
            table.rows[0].values[next][round] = times.wall.count();
            table.rows[1].values[next][round] =
                times.user.count() * 1024 / settings.mib;
        }
    printf("%s", markdown(table).c_str());
}

int main(int argc, char **argv) {
    opterr = 0; // die_bad_option() reports it
    for (int option = 0; (option = getopt(argc, argv, ":m:r:")) != -1;) {
        if (option == 'm')
            settings.mib = argument_number(usage, "MiB", optarg, 1, 4096);
        else if (option == 'r')
            settings.rounds = argument_number(usage, "rounds", optarg, 1, 1000);
        else
            die_bad_option(usage, option, argv);
    }
    return run_comparison(usage, argc, argv);
}
