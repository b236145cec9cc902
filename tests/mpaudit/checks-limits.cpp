// SPDX-License-Identifier: MIT
// checks-limits - what happens when something runs out.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mpaudit/checks.h"
#include "mpaudit/subject.h"
#include "support/sockets.h"
#include "support/waiting.h"

using Clock = std::chrono::steady_clock;

// ---- limits that are reached ------------------------------------------------

static rlim_t limit_in(const std::string &word) {
    return word == "unlimited" ? RLIM_INFINITY : std::stoull(word);
}

// proc_pid_limits(5): "NAME   SOFT   HARD   UNITS".
static struct rlimit limit_of(pid_t pid, const std::string &name) {
    std::ifstream file("/proc/" + number(pid) + "/limits");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name)) {
            std::istringstream fields(line.substr(name.size()));
            std::string soft;
            std::string hard;
            fields >> soft >> hard;
            return {limit_in(soft), limit_in(hard)};
        }
    throw Skip{"the limits of the server cannot be read"};
}

// An enumeration in some C libraries.
using Resource = decltype(RLIMIT_NOFILE);

// A process of PID's user sets its limit: root may not everywhere.
static bool set_limit(pid_t pid, Resource what, const struct rlimit &limit) {
    uid_t user = static_cast<uid_t>(atoi(status_field(pid, "Uid").c_str()));
    gid_t group = static_cast<gid_t>(atoi(status_field(pid, "Gid").c_str()));
    pid_t setter = fork();
    if (setter == 0) {
        bool same =
            user == getuid() || (setgid(group) == 0 && setuid(user) == 0);
        _exit(!same || prlimit(pid, what, &limit, nullptr) == -1);
    }
    int status = -1;
    return setter != -1 && waitpid(setter, &status, 0) == setter && status == 0;
}

// Sets the soft limit of a process, until its owner goes.
class Limit {
  public:
    Limit(pid_t pid, Resource what, rlim_t soft) : pid_(pid), what_(what) {
        const char *name =
            what == RLIMIT_NOFILE ? "Max open files" : "Max processes";
        before_ = limit_of(pid, name);
        if (!set_limit(pid, what, {soft, before_.rlim_max}))
            throw Skip{"the limits of the server cannot be set"};
    }
    ~Limit() {
        (void)set_limit(pid_, what_, before_);
    }
    Limit(const Limit &) = delete;

  private:
    pid_t pid_;
    Resource what_;
    struct rlimit before_ = {};
};

// Whoever spins does so in the next half second, too. On a busy machine it gets
// little of the processor, but wants it all the time.
static void judge_spin(Result &result, const Subject &subject, pid_t pid,
                       const std::string &when) {
    long ticks[3] = {};
    long sleeps[3] = {};
    bool runs = true;
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            pass(500);
        ticks[i] = ticks_of(pid);
        sleeps[i] = sleeps_of(pid);
        runs = runs && process_state(pid) == "R";
    }
    long least = 2 * std::min(ticks[1] - ticks[0], ticks[2] - ticks[1]);
    bool never_slept = runs && sleeps[2] == sleeps[0] && ticks[2] > ticks[0];
    if (least >= 20 || never_slept)
        result.fault("it spins " + when,
                     {{"clock_ticks_a_second", number(least)},
                      {"sleeps", number(sleeps[2] - sleeps[0])},
                      {"server", subject.state()},
                      {"errors", subject.errors().substr(0, 300)}});
    else if (least >= 5)
        result.comment(number(least) + " clock ticks a second " + when);
}

static bool judge_death(Result &result, const Subject &subject, pid_t pid,
                        const std::string &when) {
    if (lives(pid))
        return true;
    bool own = subject.process->has_ended();
    result.fault("it ends " + when,
                 {{"status", own ? number(subject.process->wait()) : "unknown"},
                  {"errors", subject.errors()}});
    return false;
}

static pid_t only_acceptor(const Subject &subject) {
    if (subject.acceptors.size() != 1)
        throw Skip{"several processes accept clients"};
    return subject.acceptors.front();
}

static int lowest_free(const Descriptors &held) {
    int fd = 0;
    while (held.contains(fd))
        fd++;
    return fd;
}

// Whether PID, asleep, is in poll(2), which fails for another reason where it
// is given more descriptors than the limit. True where /proc does not tell.
static bool may_poll(pid_t pid) {
    std::ifstream file("/proc/" + number(pid) + "/syscall");
    int call = -1;
    if (!(file >> call))
        return true;
#ifdef SYS_poll
    if (call == SYS_poll)
        return true;
#endif
    return call == SYS_ppoll;
}

static void check_descriptor_limit(Result &result) {
    Subject subject;
    subject.crowd(1).clear();
    (void)subject.becomes_quiet();
    pid_t pid = only_acceptor(subject);
    Descriptors held = descriptors_of(pid);
    int limit = lowest_free(held);
    if (limit < static_cast<int>(held.size()) && may_poll(pid))
        throw Skip{"its descriptors are not in a row:" + text_of(held)};
    const char *when = "without descriptors";
    Fd waiting;
    {
        Limit none(pid, RLIMIT_NOFILE, static_cast<rlim_t>(limit));
        waiting = subject.connect();
        judge_spin(result, subject, pid, when);
        if (!judge_death(result, subject, pid, when))
            return;
    }
    std::string why;
    if (!subject.serves(waiting, deadline_seconds, &why))
        result.comment("who came meanwhile is not served: " + why);
    judge_service(result, subject, "after it had run out of descriptors");
}

// RLIMIT_NPROC does not bind root: such a server runs as another user.
static void check_process_limit(Result &result) {
    StartOptions start;
    if (geteuid() == 0)
        start.in_child = [] { become_limited_user(1000); };
    std::unique_ptr<Subject> subject;
    try {
        subject = std::make_unique<Subject>(start);
        subject->crowd(1).clear();
    } catch (const NotServing &failure) {
        throw Skip{"it does not start as another user than root"};
    }
    (void)subject->becomes_quiet();
    pid_t pid = only_acceptor(*subject);
    size_t before = descriptors_of(pid).size();
    const char *when = "without processes";
    {
        Limit none(pid, RLIMIT_NPROC, 0);
        std::vector<Fd> clients;
        for (int i = 0; i < 10; i++)
            clients.push_back(subject->connect());
        judge_spin(result, *subject, pid, when);
        if (!judge_death(result, *subject, pid, when))
            return;
        std::string why;
        if (subject->serves(clients[0], 0.5, &why))
            result.comment("it serves without a new process");
    }
    judge_service(result, *subject, "after it had run out of processes");
    (void)subject->becomes_quiet();
    size_t after = 0;
    (void)eventually([&] {
        after = descriptors_of(pid).size();
        return after < before + 5;
    });
    if (after >= before + 5)
        result.fault("descriptors stay of clients that got no process",
                     {{"before", number(before)},
                      {"after_10_clients", number(after)},
                      {"held", text_of(descriptors_of(pid)).substr(0, 300)}});
}

static void judge_accept_error(Result &result, const std::string &error) {
    Subject subject;
    subject.crowd(1).clear();
    pid_t pid = only_acceptor(subject);
    if (status_field(pid, "Seccomp") != "0")
        throw Skip{"its filter of system calls ends what is traced"};
    Fd log = scratch_file();
    StartOptions quiet;
    quiet.errors = log.get();
    Process tracer({path_of("strace"), "-e",
                    "inject=accept,accept4:when=1:error=" + error, "-p",
                    number(pid)},
                   quiet);
    if (!eventually([&] {
            return tracer.has_ended() || status_field(pid, "TracerPid") != "0";
        }) ||
        tracer.has_ended())
        throw Skip{"strace(1) cannot trace the server"};
    std::string when = "when accept(2) fails with " + error;
    Fd first = subject.connect(); // a skipped call leaves it in the backlog
    pass(300);
    if (judge_death(result, subject, pid, when))
        judge_service(result, subject, when);
}

// A connection that has failed is a server's daily bread. The other errors are
// rare with TCP, and how it takes them is its choice.
static void check_accept_errors(Result &result) {
    if (path_of("strace").empty())
        throw Skip{"strace(1) is not installed"};
    judge_accept_error(result, "ECONNABORTED");
    for (const char *error :
         {"EPROTO", "EPERM", "ENETDOWN", "EHOSTUNREACH", "ENOBUFS", "ENOMEM"}) {
        Result rare;
        judge_accept_error(rare, error);
        for (const Fault &fault : rare.faults)
            result.comment(fault.message);
    }
}

// ---- where it prints to -----------------------------------------------------

// So many that what is buffered is printed, too.
static void serve_and_judge(Result &result, const Subject &subject,
                            const std::string &when) {
    auto until = Clock::now() + std::chrono::seconds(3);
    for (int i = 0; i < 200 && Clock::now() < until; i++)
        if (!judge_service(result, subject, when))
            return;
}

static std::unique_ptr<Subject> started_with(const StartOptions &start) {
    try {
        return std::make_unique<Subject>(start);
    } catch (const NotServing &) {
        throw Skip{"it does not start so"};
    }
}

// Full once it listens; a pipe of one page fills soonest.
static void check_log_full(Result &result) {
    Pipe log = make_pipe();
    (void)fcntl(log.write_end.get(), F_SETPIPE_SZ, 4096);
    StartOptions start;
    start.output = start.errors = log.write_end.get();
    std::unique_ptr<Subject> subject = started_with(start);
    // Through an open file of its own, whose flags are not the server's.
    Fd filler(open(("/proc/self/fd/" + number(log.write_end.get())).c_str(),
                   O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    std::string bytes(4096, '.');
    for (size_t size : std::vector<size_t>{4096, 1})
        while (write(filler.get(), bytes.data(), size) > 0)
            ;
    Result full;
    serve_and_judge(full, *subject, "while nobody reads what it prints");
    if (full.faults.empty())
        return;
    // It must be that which holds it up.
    Process reader([&log] {
        char buffer[4096];
        while (read(log.read_end.get(), buffer, sizeof buffer) > 0)
            ;
    });
    std::string why;
    bool again = eventually([&] {
        Fd client = subject->connect();
        return subject->serves(client, 1, &why);
    });
    full.faults[0].evidence.emplace_back("once_it_is_read",
                                         again ? "it serves" : why);
    result = full;
}

static void check_log_closed(Result &result) {
    Pipe log = make_pipe();
    StartOptions start;
    start.output = start.errors = log.write_end.get();
    std::unique_ptr<Subject> subject = started_with(start);
    log.read_end.close();
    const char *when = "when nobody can read what it prints";
    serve_and_judge(result, *subject, when);
    if (result.faults.empty())
        judge_death(result, *subject, subject->acceptors.front(), when);
}

static void check_disk_full(Result &result) {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    StartOptions start;
    start.output = start.errors = full.get();
    std::unique_ptr<Subject> subject = started_with(start);
    serve_and_judge(result, *subject, "when there is no room for a log");
}

// ---- many -------------------------------------------------------------------

static void check_crowd(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(1000);
    result.comment(number(clients.size()) + " clients were served at once");
    clients.clear();
    const char *when = "after a crowd";
    if (judge_service(result, subject, when))
        judge_zombies(result, subject, when);
}

// Anonymous memory, which no file backs, and descriptors.
static std::pair<long, size_t> size_of(const Subject &subject) {
    long kib = 0;
    size_t descriptors = 0;
    for (pid_t pid : subject.rest) {
        std::string text = status_field(pid, "RssAnon");
        kib += text.empty() ? 0 : std::stol(text);
        descriptors += descriptors_of(pid).size();
    }
    return {kib, descriptors};
}

constexpr int parts = 5;
constexpr int clients_a_part = 1000;
constexpr double most_seconds_a_part = 6;

// A leak goes on: what grows in each part, but for the first, is one.
static void check_growth(Result &result) {
    Subject subject;
    std::vector<std::pair<long, size_t>> sizes;
    int count = 0;
    for (int part = 0; part < parts; part++) {
        auto until =
            Clock::now() + std::chrono::duration<double>(most_seconds_a_part);
        for (int i = 0; i < clients_a_part; i++) {
            if (Clock::now() > until)
                break;
            std::string why;
            Fd client = subject.connect();
            if (!subject.serves(client, deadline_seconds, &why)) {
                judge_service(result, subject,
                              "after " + number(count) + " in a row");
                return;
            }
            count++;
        }
        (void)subject.becomes_quiet();
        sizes.push_back(size_of(subject));
    }
    bool memory = true;
    bool descriptors = true;
    for (size_t part = 1; part < parts; part++) {
        memory = memory && sizes[part].first > sizes[part - 1].first;
        descriptors =
            descriptors && sizes[part].second > sizes[part - 1].second;
    }
    long more = sizes.back().first - sizes.front().first;
    int clients = count * (parts - 1) / parts;
    result.comment(number(count) + " clients one after the other");
    if (memory && more >= 64)
        result.fault("memory grows with the clients",
                     {{"kib", number(sizes.front().first) + " to " +
                                  number(sizes.back().first)},
                      {"bytes_a_client", number(more * 1024 / clients)}});
    if (descriptors)
        result.fault("descriptors grow with the clients",
                     {{"descriptors", number(sizes.front().second) + " to " +
                                          number(sizes.back().second)},
                      {"clients", number(clients)}});
}

// ---- the checks -------------------------------------------------------------

const std::vector<Check> limit_checks = {
    {"descriptor-limit", "out of descriptors it neither spins nor ends",
     nothing, check_descriptor_limit},
    {"process-limit", "out of processes it neither spins, ends nor leaks",
     a_fork, check_process_limit},
    {"accept-errors", "a connection that fails in accept(2) ends nothing",
     tracing, check_accept_errors},
    {"log-full", "it serves while nobody reads what it prints", nothing,
     check_log_full},
    {"log-closed", "it serves when nobody can read what it prints", nothing,
     check_log_closed},
    {"disk-full", "it serves when there is no room for what it prints", nothing,
     check_disk_full},
    {"crowd", "it survives a thousand clients at once", nothing, check_crowd},
    {"growth", "it does not grow over 5000 clients", nothing, check_growth},
};
