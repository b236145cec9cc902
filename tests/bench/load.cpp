// SPDX-License-Identifier: MIT
// load - a load on an echo server at a port of 127.0.0.1, every byte compared.
// Prints one line of NAME=VALUE; any error of the server is reported on
// standard error, with status 1.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "bench/clients.h"
#include "bench/family.h"
#include "bench/median.h"
#include "common/arguments.h"
#include "common/die.h"

constexpr char usage[] =
    "usage: load [-c clients] [-d milliseconds] [-n count] [-p pid] [-s size]\n"
    "            [-t seconds] connect|trips|sizes|bulk|hold|crowd port";

constexpr char help[] =
    "\n"
    "  connect  connect, echo, close, CLIENTS at a time\n"
    "  trips    messages there and back, one on its way on each connection\n"
    "  sizes    the same on one connection, from 1 byte to 1 MiB\n"
    "  bulk     writes of 64 KiB one way while the answer comes back\n"
    "  hold     CLIENTS that all echo once, wait, and leave\n"
    "  crowd    connect with 10, and with CLIENTS others open\n"
    "\n"
    "  -c clients       connections at once; default 4\n"
    "  -d milliseconds  how long; default 1000\n"
    "  -n count         so many connections or messages instead\n"
    "  -p pid           the server: memory, page faults, zombies left\n"
    "  -s size          of a message; default 64\n"
    "  -t seconds       without a byte, then the server has failed; default 60";

constexpr int few_others = 10;
constexpr int in_flight = 64; // connecting at once, because backlogs are short
constexpr int least_trips = 3;
constexpr int64_t largest_size = 1024 * 1024;

struct Settings {
    Target target;
    int clients;
    int size;
    int milliseconds;
    int count; // 0: until the time is up
    pid_t server;
};

// ---- how long ---------------------------------------------------------------

class Budget {
  public:
    explicit Budget(const Settings &settings)
        : left_(settings.count),
          until_(settings.count > 0 ? 0
                                    : began + settings.milliseconds / 1000.0) {
    }
    // Whether another may begin.
    bool take() {
        return until_ == 0 ? left_-- > 0 : now_seconds() < until_;
    }
    double spent() const {
        return now_seconds() - began;
    }
    double began = now_seconds();

  private:
    int left_;
    double until_;
};

static double microseconds_since(double began) {
    return (now_seconds() - began) * 1e6;
}

// ---- the server's side ------------------------------------------------------

// Waits until the server has reaped all; without -p this cannot be seen.
static void await_reaping(const Settings &settings) {
    double began = now_seconds();
    while (settings.server != 0) {
        size_t left = children_of(settings.server).size();
        if (left == 0)
            return;
        if (now_seconds() - began > settings.target.patience)
            die_plain("%zu processes are left %d seconds after their clients",
                      left, settings.target.patience);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

static void empty(Clients &clients) {
    while (clients.count() > 0)
        clients.turn();
}

// COUNT more clients that have echoed once.
static void fill(Clients &clients, const Settings &settings, int count) {
    int waiting = 0;
    clients.answered = [&](Client &) { waiting--; };
    for (int i = 0; i < count; i++) {
        clients.enter(settings.size);
        waiting++;
        while (waiting >= in_flight)
            clients.turn();
    }
    while (waiting > 0)
        clients.turn();
    clients.answered = [](Client &) {};
}

// ---- modes ------------------------------------------------------------------

static void print_cost(const Settings &settings, const Cost &before,
                       double done) {
    if (settings.server == 0)
        return;
    Cost cost = cost_of(settings.server);
    printf(" parent_faults=%.1f child_faults=%.1f processor_us=%.0f",
           (cost.parent_faults - before.parent_faults) / done,
           (cost.child_faults - before.child_faults) / done,
           (cost.microseconds - before.microseconds) / done);
}

static void run_connect(const Settings &settings) {
    Cost before = settings.server == 0 ? Cost{} : cost_of(settings.server);
    Clients clients(settings.target);
    int done = 0;
    Budget budget(settings);
    clients.answered = [&](Client &client) { clients.finish(client); };
    clients.ended = [&](Client &) {
        done++;
        if (budget.take())
            clients.enter(settings.size);
    };
    for (int i = 0; i < settings.clients && budget.take(); i++)
        clients.enter(settings.size);
    empty(clients);
    // A server that postpones reaping does so all the time: what remains to be
    // reaped now is little compared with what was done meanwhile.
    double seconds = budget.spent();
    await_reaping(settings);
    printf("mode=connect clients=%d size=%d done=%d seconds=%.3f rate=%.1f",
           settings.clients, settings.size, done, seconds, done / seconds);
    print_cost(settings, before, done);
}

static void run_trips(const Settings &settings) {
    Clients clients(settings.target);
    fill(clients, settings, settings.clients);
    std::vector<double> trips;
    Budget budget(settings);
    clients.answered = [&](Client &client) {
        trips.push_back(microseconds_since(client.began));
        if (budget.take())
            clients.send_more(client, settings.size);
        else
            clients.finish(client);
    };
    for (int i = 0; i < settings.clients; i++)
        (void)budget.take(); // the first message of each
    clients.send_more_on_all(settings.size);
    empty(clients);
    double seconds = budget.spent();
    await_reaping(settings);
    double done = static_cast<double>(trips.size());
    printf("mode=trips clients=%d size=%d done=%.0f seconds=%.3f rate=%.1f "
           "median_us=%.1f max_us=%.1f",
           settings.clients, settings.size, done, seconds, done / seconds,
           median(trips), *std::ranges::max_element(trips));
}

// Enough round trips that a stall at this size shows in the median.
static double time_of_size(Clients &clients, Client &client, int64_t size,
                           double seconds) {
    std::vector<double> trips;
    double until = now_seconds() + seconds;
    while (trips.size() < least_trips || now_seconds() < until) {
        bool back = false;
        clients.answered = [&](Client &) { back = true; };
        clients.send_more(client, size);
        while (!back)
            clients.turn();
        trips.push_back(microseconds_since(client.began));
    }
    return median(trips);
}

// Powers of two and the values halfway between.
static std::vector<int64_t> all_sizes() {
    std::vector<int64_t> sizes = {1, 2, 3};
    for (int64_t size = 4; size <= largest_size; size *= 2)
        for (int64_t next : {size, size + size / 2})
            if (next <= largest_size)
                sizes.push_back(next);
    return sizes;
}

// On one connection: the first few messages of a new one are acknowledged at
// once, and would hide the delay that later ones meet.
static void run_sizes(const Settings &settings) {
    Clients clients(settings.target);
    std::vector<int64_t> sizes = all_sizes();
    Client &client = clients.enter(0);
    double share =
        settings.milliseconds / 1000.0 / static_cast<double>(sizes.size());
    (void)time_of_size(clients, client, 1, share); // so that its child runs
    double worst = 0;
    int64_t worst_size = 0;
    printf("mode=sizes");
    for (int64_t size : sizes) {
        double time = time_of_size(clients, client, size, share);
        printf(" us_%jd=%.1f", static_cast<intmax_t>(size), time);
        if (time > worst)
            worst_size = size;
        worst = std::max(worst, time);
    }
    clients.finish(client);
    empty(clients);
    await_reaping(settings);
    printf(" worst_us=%.1f worst_size=%jd", worst,
           static_cast<intmax_t>(worst_size));
}

static void run_bulk(const Settings &settings) {
    Clients clients(settings.target);
    fill(clients, settings, settings.clients);
    clients.bytes_back = 0;
    double began = now_seconds();
    double until = began + settings.milliseconds / 1000.0;
    clients.send_more_on_all(no_end / 2);
    while (now_seconds() < until)
        clients.turn();
    clients.finish_all();
    empty(clients);
    double seconds = now_seconds() - began;
    await_reaping(settings);
    printf("mode=bulk clients=%d bytes=%jd seconds=%.3f gb_per_second=%.3f",
           settings.clients, static_cast<intmax_t>(clients.bytes_back), seconds,
           static_cast<double>(clients.bytes_back) / seconds / 1e9);
}

static void run_hold(const Settings &settings) {
    Clients clients(settings.target);
    double began = now_seconds();
    fill(clients, settings, settings.clients);
    double opened = now_seconds() - began;
    double kib = 0;
    size_t processes = 0;
    if (settings.server != 0) {
        std::vector<pid_t> family = descendants_of(settings.server);
        family.push_back(settings.server);
        processes = family.size();
        kib = proportional_kib(family);
    }
    began = now_seconds();
    clients.finish_all();
    empty(clients);
    await_reaping(settings);
    printf("mode=hold clients=%d open_seconds=%.3f gone_seconds=%.3f "
           "processes=%zu pss_kib=%.0f pss_kib_per_client=%.2f",
           settings.clients, opened, now_seconds() - began, processes, kib,
           kib / settings.clients);
}

// Connect, echo and close, one after the other: the median.
static double time_of_connection(const Settings &settings) {
    Clients clients(settings.target);
    std::vector<double> times;
    clients.answered = [&](Client &client) { clients.finish(client); };
    clients.ended = [&](Client &client) {
        times.push_back(microseconds_since(client.began));
    };
    for (Budget budget(settings); budget.take();) {
        clients.enter(settings.size);
        empty(clients);
    }
    return median(times);
}

static void run_crowd(const Settings &settings) {
    Clients others(settings.target);
    int few = std::min(few_others, settings.clients);
    fill(others, settings, few);
    double with_few = time_of_connection(settings);
    fill(others, settings, settings.clients - few);
    double with_many = time_of_connection(settings);
    others.finish_all();
    empty(others);
    await_reaping(settings);
    printf("mode=crowd few=%d many=%d few_us=%.1f many_us=%.1f ratio=%.3f", few,
           settings.clients, with_few, with_many, with_many / with_few);
}

// ---- the command line -------------------------------------------------------

using Mode = void(const Settings &);
constexpr struct {
    const char *name;
    Mode *run;
} modes[] = {
    {"connect", run_connect}, {"trips", run_trips}, {"sizes", run_sizes},
    {"bulk", run_bulk},       {"hold", run_hold},   {"crowd", run_crowd},
};

static Mode *mode_named(const char *name) {
    for (const auto &mode : modes)
        if (strcmp(mode.name, name) == 0)
            return mode.run;
    die_usage(usage, "'%s' is no mode", name);
}

static void read_option(Settings *settings, int option, char **argv) {
    auto number = [](const char *name, int low, int high) {
        return argument_number(usage, name, optarg, low, high);
    };
    switch (option) {
    case 'c':
        settings->clients = number("clients", 1, 1000000);
        break;
    case 'd':
        settings->milliseconds = number("milliseconds", 1, 1000000000);
        break;
    case 'h':
        printf("%s\n%s\n", usage, help);
        exit(EXIT_SUCCESS);
    case 'n':
        settings->count = number("count", 1, 1000000000);
        break;
    case 'p':
        settings->server = number("pid", 1, INT32_MAX);
        break;
    case 's':
        settings->size = number("size", 1, 1 << 30);
        break;
    case 't':
        settings->target.patience = number("seconds", 1, 1000000);
        break;
    default:
        die_bad_option(usage, option, argv);
    }
}

// Each client takes one.
static void raise_descriptors(int clients) {
    struct rlimit limit = {};
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < static_cast<rlim_t>(clients) + 64)
        die_plain("%d clients, but only %ju descriptors", clients,
                  static_cast<uintmax_t>(limit.rlim_max));
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("setrlimit");
}

int main(int argc, char **argv) {
    Settings settings = {{0, 60}, 4, 64, 1000, 0, 0};
    int option = 0;
    opterr = 0; // die_bad_option() reports it
    while ((option = getopt(argc, argv, ":c:d:hn:p:s:t:")) != -1)
        read_option(&settings, option, argv);
    if (argc - optind != 2)
        die_usage(usage, "a mode and a port are wanted");
    Mode *run = mode_named(argv[optind]);
    settings.target.port =
        argument_number(usage, "port", argv[optind + 1], 1, 65535);
    raise_descriptors(settings.clients);
    run(settings);
    putchar('\n');
    return fflush(stdout) == 0 ? EXIT_SUCCESS : exit_failed;
}
