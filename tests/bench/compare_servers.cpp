// SPDX-License-Identifier: MIT
// compare_servers - echo_mpserv, the floor under it, and every installed peer,
// under the same loads in turn; one table. Fails only on wrong bytes, leftovers
// and errors of the project's own servers, never on time. Those of a peer are
// reported, and leave its cell empty.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/servers.h"
#include "bench/table.h"
#include "common/arguments.h"
#include "support/waiting.h"

using Words = std::vector<std::string>;

constexpr char usage[] =
    "usage: compare_servers [-c clients] [-d milliseconds] "
    "[-o others] [-r rounds] [-w prefix]";

static struct {
    int clients = 500; // held at once
    int milliseconds = 200;
    int others = 500; // open besides a connection
    int rounds = 3;
    std::string files; // the results go to this with .md and .dat; "": nowhere
} settings;

enum class Better { more, less };
enum class Asked { all, own }; // with the peers or without

struct Measure {
    std::string title;
    Better better;
    int digits;
    Asked asked;
    std::string load; // the load's arguments
    std::string key;  // of the result
};

static std::vector<Measure> all_measures() {
    using enum Better;
    using enum Asked;
    std::string held = std::to_string(settings.clients);
    std::string others = std::to_string(settings.others);
    std::string hold = "-c " + held + " hold";
    return {
        {"connections a second, 4 clients, 64 B", more, 0, all, "connect",
         "rate"},
        {"round trips a second, 1 client, 64 B", more, 0, all, "-c 1 trips",
         "rate"},
        {"round trips a second, 64 clients, 64 B", more, 0, all, "-c 64 trips",
         "rate"},
        {"round trips a second, 8 clients, 64 KiB", more, 0, all,
         "-c 8 -s 65536 trips", "rate"},
        {"slowest size of 1 B to 1 MiB, µs", less, 0, all, "sizes", "worst_us"},
        {"bulk, 1 client, GB/s", more, 2, all, "-c 1 bulk", "gb_per_second"},
        {"bulk, 4 clients, GB/s", more, 2, all, "-c 4 bulk", "gb_per_second"},
        {"memory, 200 clients, KiB each", less, 1, all, "-c 200 hold",
         "pss_kib_per_client"},
        {held + " clients come, s", less, 2, own, hold, "open_seconds"},
        {held + " clients gone, s", less, 2, own, hold, "gone_seconds"},
        {"a connection beside " + others + ", times that beside 10", less, 2,
         own, "-c " + others + " -n 300 crowd", "ratio"},
    };
}

static double value_of(const std::string &key, const std::string &line) {
    size_t at = line.find(" " + key + "=");
    REQUIRE_MESSAGE(at != line.npos, key, " is not in: ", line);
    return strtod(line.c_str() + at + key.size() + 2, nullptr);
}

// ---- one measurement --------------------------------------------------------

static Words load_words(const Measure &measure, const Running &running,
                        bool own) {
    Words words = {test_program("load"), "-d",
                   std::to_string(settings.milliseconds)};
    // A peer that hangs must not delay the others for long.
    if (!own)
        words.insert(words.end(), {"-t", "5"});
    if (measure.load.ends_with("hold"))
        words.insert(words.end(),
                     {"-p", std::to_string(running.process->pid())});
    std::istringstream rest(measure.load);
    for (std::string word; rest >> word;)
        words.push_back(word);
    words.push_back(std::to_string(running.port));
    return words;
}

// What a peer has failed to do is not asked of it again.
static std::set<std::string> failed;

static double give_up(const Contestant &contestant, const Measure &measure,
                      const std::string &why) {
    failed.insert(contestant.name + measure.title);
    fprintf(stderr, "%s, %s: %s\n", contestant.name.c_str(),
            measure.title.c_str(), why.c_str());
    return NAN;
}

static bool takes_part(const Contestant &contestant, const Measure &measure) {
    return contestant.installed() &&
           (contestant.own || measure.asked == Asked::all) &&
           !failed.contains(contestant.name + measure.title);
}

// Without a watchdog: the load has one.
static Run run_load(const Words &words) {
    Process load(words);
    while (!eventually([&] { return load.has_ended(); }))
        ;
    return {load.wait(), load.output, load.errors};
}

static double measure_one(const Contestant &contestant,
                          const Measure &measure) {
    if (!takes_part(contestant, measure))
        return NAN;
    Words more;
    if (measure.asked == Asked::own && contestant.name == "echo_mpserv")
        more = {"-c", std::to_string(settings.clients + settings.others + 16)};
    Running running = start_contestant(contestant, more);
    if (!running.process)
        return give_up(contestant, measure, "it did not begin to listen");
    Run result = run_load(load_words(measure, running, contestant.own));
    if (!contestant.own && result.status != 0)
        return give_up(contestant, measure,
                       result.errors.substr(0, result.errors.find('\n')));
    CAPTURE(contestant.name);
    CAPTURE(measure.title);
    REQUIRE_MESSAGE(result.status == 0, result.errors);
    if (contestant.own)
        end_without_leftovers(contestant, running);
    return value_of(measure.key, result.output);
}

// ---- all of them ------------------------------------------------------------

static std::string heading(const std::vector<Contestant> &contestants) {
    struct utsname system = {};
    (void)uname(&system);
    return "Linux " + std::string(system.release) + ", " +
           std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " processors, " +
           std::to_string(settings.rounds) + " rounds, " +
           std::to_string(settings.milliseconds) +
           " ms each. A ratio over 1: echo_mpserv is better." +
           not_installed(contestants);
}

static Table empty_table(const std::vector<Contestant> &contestants) {
    Table table;
    table.heading = heading(contestants);
    table.own = 0;
    for (const Contestant &contestant : contestants) {
        table.names.push_back(contestant.name);
        table.own += contestant.own ? 1 : 0;
    }
    for (const Measure &measure : all_measures())
        table.rows.push_back(
            {measure.title, measure.better == Better::less, measure.digits,
             std::vector<std::vector<double>>(
                 contestants.size(),
                 std::vector<double>(static_cast<size_t>(settings.rounds)))});
    return table;
}

static void write_file(const std::string &name, const std::string &text) {
    std::ofstream file(name);
    file << text;
    file.close();
    REQUIRE_MESSAGE(file.good(), name);
}

TEST_CASE("the server beside the floor and its peers") {
    std::vector<Contestant> contestants = all_contestants();
    std::vector<Measure> measures = all_measures();
    Table table = empty_table(contestants);
    for (size_t round = 0; round < static_cast<size_t>(settings.rounds);
         round++)
        for (size_t m = 0; m < measures.size(); m++)
            // Each round starts with a different one.
            for (size_t i = 0; i < contestants.size(); i++) {
                size_t next = (i + round) % contestants.size();
                table.rows[m].values[next][round] =
                    measure_one(contestants[next], measures[m]);
            }
    std::string text = markdown(table);
    printf("%s", text.c_str());
    if (settings.files.empty())
        return;
    write_file(settings.files + ".md", text);
    write_file(settings.files + ".dat", chart_data(table));
}

static int number(const char *name, int high) {
    return argument_number(usage, name, optarg, 1, high);
}

int main(int argc, char **argv) {
    opterr = 0; // die_bad_option() reports it
    for (int option = 0; (option = getopt(argc, argv, ":c:d:o:r:w:")) != -1;) {
        if (option == 'c')
            settings.clients = number("clients", 1000000);
        else if (option == 'd')
            settings.milliseconds = number("milliseconds", 1000000);
        else if (option == 'o')
            settings.others = number("others", 1000000);
        else if (option == 'r')
            settings.rounds = number("rounds", 1000);
        else if (option == 'w')
            settings.files = optarg;
        else
            die_bad_option(usage, option, argv);
    }
    return run_comparison(usage, argc, argv);
}
