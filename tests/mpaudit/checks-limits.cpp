// SPDX-License-Identifier: MIT
// checks-limits - what happens when something runs out.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mpaudit/checks.h"
#include "support/sockets.h"

using Clock = std::chrono::steady_clock;

// ---- limits that are reached ------------------------------------------------

// An enumeration in some C libraries.
using Resource = decltype(RLIMIT_NOFILE);

// Limits PID to SOFT, or to its hard limit if that is lower. A process of its
// user does that: root may not everywhere.
static void set_limit(pid_t pid, Resource what, rlim_t soft) {
    uid_t user = static_cast<uid_t>(atoi(status_field(pid, "Uid").c_str()));
    gid_t group = static_cast<gid_t>(atoi(status_field(pid, "Gid").c_str()));
    pid_t setter = fork();
    if (setter == 0) {
        struct rlimit limit = {};
        bool good =
            (user == getuid() || (setgid(group) == 0 && setuid(user) == 0)) &&
            prlimit(pid, what, nullptr, &limit) == 0;
        limit.rlim_cur = std::min(soft, limit.rlim_max);
        _exit(!good || prlimit(pid, what, &limit, nullptr) == -1);
    }
    int status = -1;
    if (setter == -1 || waitpid(setter, &status, 0) != setter || status != 0)
        throw Skip{"the limits of the server cannot be set"};
}

// Whoever spins does so for two half seconds in a row. On a busy machine it
// gets little of the processor, but wants it all the time; and what was under
// way, such as an accept(2) that already waited, may first have to end.
static void judge_spin(const Subject &subject, pid_t pid) {
    int busy = 0; // half seconds, in a row
    long ticks = 0, before = 0;
    bool runs = true;
    for (int i = 0; i < 2 || (i < 8 && runs && busy < 2); i++) {
        long sleeps = sleeps_of(pid);
        before = std::exchange(ticks, -ticks_of(pid));
        pass(500);
        ticks += ticks_of(pid);
        bool ran = std::exchange(runs, process_state(pid) == "R");
        bool awake = ran && runs && sleeps_of(pid) == sleeps && ticks > 0;
        busy = ticks >= 10 || awake ? busy + 1 : 0;
    }
    std::string least = number(2 * std::min(before, ticks));
    if (busy >= 2)
        subject.fault("it spins", {{"clock_ticks_a_second", least}});
    else if (std::min(before, ticks) >= 3)
        subject.result.comment(least + " clock ticks a second " +
                               subject.result.when);
}

// That of SUBJECT which accepts, once it has served and is at rest again.
static pid_t only_acceptor(const Subject &subject) {
    if (subject.acceptors.size() != 1)
        throw Skip{"several processes accept clients"};
    subject.crowd(1).clear();
    (void)subject.becomes_quiet();
    return *subject.acceptors.begin();
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
    Subject subject(result);
    pid_t pid = only_acceptor(subject);
    Descriptors held = descriptors_of(pid);
    int lowest_free = 0;
    while (held.contains(lowest_free))
        lowest_free++;
    if (lowest_free < static_cast<int>(held.size()) && may_poll(pid))
        throw Skip{"its descriptors are not in a row:" + text_of(held)};
    result.when = "without descriptors";
    set_limit(pid, RLIMIT_NOFILE, static_cast<rlim_t>(lowest_free));
    Fd waiting = subject.connect();
    judge_spin(subject, pid);
    if (!judge_life(subject, pid))
        return;
    set_limit(pid, RLIMIT_NOFILE, RLIM_INFINITY);
    std::string why;
    if (!subject.serves(waiting, &why))
        result.comment("who came meanwhile is not served: " + why);
    result.when = "after it had run out of descriptors";
    judge_service(subject);
}

static std::unique_ptr<Subject> started_with(Result &result,
                                             const StartOptions &start) {
    try {
        return std::make_unique<Subject>(result, start);
    } catch (const NotServing &) {
        throw Skip{"it does not start so"};
    }
}

// RLIMIT_NPROC does not apply to root: such a server runs as another user.
static void check_process_limit(Result &result) {
    StartOptions start;
    if (geteuid() == 0)
        start.in_child = [] { become_limited_user(1000); };
    std::unique_ptr<Subject> subject = started_with(result, start);
    pid_t pid = only_acceptor(*subject);
    size_t before = descriptors_of(pid).size();
    result.when = "without processes";
    set_limit(pid, RLIMIT_NPROC, 0);
    std::vector<Fd> clients;
    for (int i = 0; i < 10; i++)
        clients.push_back(subject->connect());
    judge_spin(*subject, pid);
    if (!judge_life(*subject, pid))
        return;
    if (subject->serves(clients[0], nullptr, 0.5))
        result.comment("it serves without a new process");
    clients.clear();
    set_limit(pid, RLIMIT_NPROC, RLIM_INFINITY);
    result.when = "after it had run out of processes";
    judge_service(*subject);
    (void)subject->becomes_quiet();
    Descriptors held;
    bool let_go = eventually([&] {
        held = descriptors_of(pid);
        return held.size() < before + 5;
    });
    if (!let_go)
        subject->fault("descriptors stay of 10 clients",
                       {{"before", number(before)},
                        {"after", number(held.size())},
                        {"held", text_of(held).substr(0, 300)}});
}

// Beside what it was started with, such as a container's.
static bool has_own_filter(pid_t pid) {
    for (const char *field : {"Seccomp", "Seccomp_filters"})
        if (status_field(pid, field) != status_field(getpid(), field))
            return true;
    return false;
}

// Three times in a row, so that one retry does not hide the error.
static void judge_accept_error(Result &result, const std::string &error) {
    Subject subject(result);
    pid_t pid = only_acceptor(subject);
    if (has_own_filter(pid))
        throw Skip{"its filter of system calls ends what is traced"};
    Fd log = scratch_file();
    Process tracer({path_of("strace"), "-e",
                    "inject=accept,accept4:when=1..3:error=" + error, "-p",
                    number(pid)},
                   {.errors = log.get()});
    bool traces = eventually([&] {
        return tracer.has_ended() || status_field(pid, "TracerPid") != "0";
    });
    if (!traces || tracer.has_ended())
        throw Skip{"strace(1) cannot trace the server"};
    result.when = "when accept(2) fails with " + error;
    Fd first = subject.connect(); // a skipped call leaves it in the backlog
    pass(300);
    if (judge_life(subject, pid))
        judge_service(subject);
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
        for (const Evidence &fault : rare.faults)
            result.comment(fault.front().second);
    }
}

// ---- where it prints to -----------------------------------------------------

static std::unique_ptr<Subject> started_printing_to(Result &result,
                                                    const Fd &output) {
    return started_with(result,
                        {.output = output.get(), .errors = output.get()});
}

// So many clients that what is buffered is printed, too.
static bool judge_logging(const Subject &subject) {
    auto until = Clock::now() + std::chrono::seconds(3);
    for (int i = 0; i < 200 && Clock::now() < until; i++)
        if (!judge_service(subject))
            return false;
    return judge_life(subject, *subject.acceptors.begin());
}

// Full once it listens; a pipe of one page fills soonest.
static void check_log_full(Result &result) {
    Pipe log = make_pipe();
    (void)fcntl(log.write_end.get(), F_SETPIPE_SZ, 4096);
    std::unique_ptr<Subject> subject =
        started_printing_to(result, log.write_end);
    // Through an open file of its own, whose flags are not the server's.
    std::string path = "/proc/self/fd/" + number(log.write_end.get());
    Fd filler(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    std::string bytes(4096, '.');
    for (size_t size : std::vector<size_t>{4096, 1})
        while (write(filler.get(), bytes.data(), size) > 0)
            ;
    result.when = "while nobody reads what it prints";
    if (judge_logging(*subject))
        return;
    // Evidence: does it serve once the pipe is read?
    Process reader([&log] {
        char buffer[4096];
        while (read(log.read_end.get(), buffer, sizeof buffer) > 0)
            ;
    });
    std::string why;
    bool again = eventually(
        [&] { return subject->serves(subject->connect(), &why, 1); });
    result.faults[0].emplace_back("once_it_is_read", again ? "it serves" : why);
}

static void check_log_closed(Result &result) {
    Pipe log = make_pipe();
    std::unique_ptr<Subject> subject =
        started_printing_to(result, log.write_end);
    log.read_end.close();
    result.when = "when nobody can read what it prints";
    judge_logging(*subject);
}

static void check_disk_full(Result &result) {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    std::unique_ptr<Subject> subject = started_printing_to(result, full);
    result.when = "when there is no room for a log";
    judge_logging(*subject);
}

// ---- many -------------------------------------------------------------------

static void check_crowd(Result &result) {
    Subject subject(result);
    result.when = "after a crowd";
    std::vector<Fd> clients = subject.crowd(1000);
    result.comment(number(clients.size()) + " clients were served at once");
    clients.clear();
    judge_rest(subject);
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
    {"growth", "it does not grow over 5000 clients", nothing,
     [](Result &result) { judge_growth(result, 1000); }},
};
