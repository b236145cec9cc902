// SPDX-License-Identifier: MIT
// load - a load on an echo server at a port of 127.0.0.1, every byte compared.
// Prints one line of NAME=VALUE; any error of the server is reported on
// standard error, with status 1.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bench/clients.h"
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
    "  -p pid           the server: its memory, zombies left\n"
    "  -s size          of a message; default 64\n"
    "  -t seconds       give up after this long without a byte; default 60";

constexpr int few_others = 10;
constexpr int in_flight = 64; // connecting at once, because backlogs are short
constexpr int least_trips = 3;
constexpr int largest_size = 1024 * 1024;
constexpr int64_t endless = INT64_MAX / 2; // bytes

static struct {
    Target target = {.port = 0, .patience = 60};
    int clients = 4;
    int size = 64;
    int milliseconds = 1000;
    int count = 0; // 0: until the time is up
    pid_t server = 0;
} settings;

// ---- how long ---------------------------------------------------------------

class Budget {
  public:
    // Whether another may begin.
    bool take() {
        return settings.count > 0 ? taken_++ < settings.count
                                  : spent() < settings.milliseconds / 1000.0;
    }
    double spent() const {
        return now_seconds() - began_;
    }

  private:
    double began_ = now_seconds();
    int taken_ = 0;
};

static double microseconds_since(double began) {
    return (now_seconds() - began) * 1e6;
}

static double median(std::vector<double> values) {
    auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

// ---- the server's side ------------------------------------------------------

// Including zombies; none of a process that has terminated. Looking through all
// of /proc instead would take long beside thousands of clients.
static std::vector<pid_t> children_of(pid_t pid) {
    std::string folder = "/proc/" + std::to_string(pid);
    std::ifstream file(folder + "/task/" + std::to_string(pid) + "/children");
    // A kernel can be built without that file.
    if (!file && access(folder.c_str(), F_OK) == 0)
        die("the children of a process in /proc");
    std::vector<pid_t> children;
    for (pid_t child = 0; file >> child;)
        children.push_back(child);
    return children;
}

// The proportional set size of PID and its descendants, in KiB: what they share
// counts once.
static double family_kib(pid_t pid) {
    double sum = 0;
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string word; file >> word;)
        if (double size = 0; word == "Pss:" && file >> size)
            sum += size;
    for (pid_t child : children_of(pid))
        sum += family_kib(child);
    return sum;
}

// Waits until the server has reaped all; without -p this cannot be seen.
static void await_reaping() {
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

// ---- modes ------------------------------------------------------------------

// COUNT more clients that have echoed once.
static void fill(Clients &clients, int count) {
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

static void empty(Clients &clients) {
    while (!clients.all.empty())
        clients.turn();
}

static void finish_all(Clients &clients) {
    for (auto &[fd, client] : clients.all)
        clients.finish(client);
    empty(clients);
}

static void print_rate(size_t done, double seconds) {
    printf(" clients=%d size=%d done=%zu seconds=%.3f rate=%.1f",
           settings.clients, settings.size, done, seconds,
           static_cast<double>(done) / seconds);
}

static void run_connect() {
    Clients clients(settings.target);
    size_t done = 0;
    Budget budget;
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
    print_rate(done, budget.spent());
}

static void run_trips() {
    Clients clients(settings.target);
    fill(clients, settings.clients);
    std::vector<double> trips;
    Budget budget;
    clients.answered = [&](Client &client) {
        trips.push_back(microseconds_since(client.began));
        if (budget.take())
            clients.send_more(client, settings.size);
        else
            clients.finish(client);
    };
    for (auto &[fd, client] : clients.all) {
        (void)budget.take(); // the first message of each
        clients.send_more(client, settings.size);
    }
    empty(clients);
    print_rate(trips.size(), budget.spent());
    printf(" median_us=%.1f max_us=%.1f", median(trips),
           std::ranges::max(trips));
}

// Enough round trips that a stall at this size shows in the median.
static double time_of_size(Clients &clients, Client &client, int size,
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
static std::vector<int> all_sizes() {
    std::vector<int> sizes = {1};
    for (int size = 2; size < largest_size; size *= 2) {
        sizes.push_back(size);
        sizes.push_back(size + size / 2);
    }
    sizes.push_back(largest_size);
    return sizes;
}

// On one connection: the first few messages of a new one are acknowledged at
// once, and would hide the delay that later ones meet.
static void run_sizes() {
    Clients clients(settings.target);
    std::vector<int> sizes = all_sizes();
    Client &client = clients.enter(0);
    double share =
        settings.milliseconds / 1000.0 / static_cast<double>(sizes.size());
    (void)time_of_size(clients, client, 1, share); // so that its child runs
    double worst = 0;
    int worst_size = 0;
    for (int size : sizes) {
        double time = time_of_size(clients, client, size, share);
        printf(" us_%d=%.1f", size, time);
        if (time > worst) {
            worst = time;
            worst_size = size;
        }
    }
    finish_all(clients);
    printf(" worst_us=%.1f worst_size=%d", worst, worst_size);
}

static void run_bulk() {
    Clients clients(settings.target);
    fill(clients, settings.clients);
    clients.bytes_back = 0;
    double began = now_seconds();
    for (auto &[fd, client] : clients.all)
        clients.send_more(client, endless);
    while (now_seconds() < began + settings.milliseconds / 1000.0)
        clients.turn();
    finish_all(clients);
    double seconds = now_seconds() - began;
    printf(" clients=%d bytes=%jd seconds=%.3f gb_per_second=%.3f",
           settings.clients, static_cast<intmax_t>(clients.bytes_back), seconds,
           static_cast<double>(clients.bytes_back) / seconds / 1e9);
}

static void run_hold() {
    Clients clients(settings.target);
    double began = now_seconds();
    fill(clients, settings.clients);
    double opened = now_seconds() - began;
    double kib = settings.server == 0 ? 0 : family_kib(settings.server);
    began = now_seconds();
    finish_all(clients);
    await_reaping();
    printf(" clients=%d open_seconds=%.3f gone_seconds=%.3f pss_kib=%.0f"
           " pss_kib_per_client=%.2f",
           settings.clients, opened, now_seconds() - began, kib,
           kib / settings.clients);
}

// Connect, echo and close, one after the other: the median.
static double time_of_connection() {
    Clients clients(settings.target);
    std::vector<double> times;
    clients.answered = [&](Client &client) { clients.finish(client); };
    clients.ended = [&](Client &client) {
        times.push_back(microseconds_since(client.began));
    };
    for (Budget budget; budget.take();) {
        clients.enter(settings.size);
        empty(clients);
    }
    return median(times);
}

static void run_crowd() {
    Clients others(settings.target);
    int few = std::min(few_others, settings.clients);
    fill(others, few);
    double with_few = time_of_connection();
    fill(others, settings.clients - few);
    double with_many = time_of_connection();
    finish_all(others);
    printf(" few=%d many=%d few_us=%.1f many_us=%.1f ratio=%.3f", few,
           settings.clients, with_few, with_many, with_many / with_few);
}

// ---- the command line -------------------------------------------------------

using Mode = void();
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
    die_usage(usage, "unknown mode '%s'", name);
}

constexpr struct {
    int letter;
    const char *name;
    int most;
    int *value;
} options[] = {
    {'c', "clients", 1000000, &settings.clients},
    {'d', "milliseconds", 1000000000, &settings.milliseconds},
    {'n', "count", 1000000000, &settings.count},
    {'p', "pid", INT32_MAX, &settings.server},
    {'s', "size", 1 << 30, &settings.size},
    {'t', "seconds", most_seconds, &settings.target.patience},
};

static void read_option(int letter, char **argv) {
    if (letter == 'h') {
        printf("%s\n%s\n", usage, help);
        exit(EXIT_SUCCESS);
    }
    for (const auto &option : options)
        if (option.letter == letter) {
            *option.value =
                argument_number(usage, option.name, optarg, 1, option.most);
            return;
        }
    die_bad_option(usage, letter, argv);
}

// Each client takes one.
static void raise_descriptors() {
    struct rlimit limit = {};
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("setrlimit");
}

int main(int argc, char **argv) {
    int letter = 0;
    opterr = 0; // die_bad_option() reports it
    while ((letter = getopt(argc, argv, ":c:d:hn:p:s:t:")) != -1)
        read_option(letter, argv);
    if (argc - optind != 2)
        die_usage(usage, "mode and port are required");
    Mode *run = mode_named(argv[optind]);
    settings.target.port =
        argument_number(usage, "port", argv[optind + 1], 1, 65535);
    raise_descriptors();
    printf("mode=%s", argv[optind]);
    run();
    await_reaping();
    putchar('\n');
    return fflush(stdout) == 0 ? EXIT_SUCCESS : exit_failed;
}
