// SPDX-License-Identifier: MIT
// judge - what audits and fault scenarios check in one process.
#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "common/sockets.h"
#include "support/judge.h"
#include "support/tcp_table.h"
#include "support/waiting.h"

using Clock = std::chrono::steady_clock;

void add_finding(Findings &findings, Invariant invariant,
                 const std::string &what) {
    findings.push_back({invariant, what});
}

void add_findings(Findings &findings, const Findings &more) {
    findings.insert(findings.end(), more.begin(), more.end());
}

// ---- descriptors ------------------------------------------------------------

Descriptors standard_of(const Descriptors &descriptors) {
    Descriptors standard;
    for (const auto &[fd, target] : descriptors)
        if (fd <= STDERR_FILENO)
            standard[fd] = target;
    return standard;
}

void judge_descriptors(Findings &findings, Invariant invariant,
                       const std::string &who, const Descriptors &held,
                       const Descriptors &expected) {
    if (held != expected)
        add_finding(findings, invariant,
                    who + " holds" + text_of(held) + ", not" +
                        text_of(expected));
}

constexpr int no_peer = 0;
constexpr int unseen = -1; // not permitted on this host

static int peer_in_table(const std::string &target) {
    std::optional<std::vector<TcpSocket>> table = tcp_table();
    if (!table)
        return unseen;
    for (const TcpSocket &socket : *table)
        if (socket.target == target)
            return socket.remote_port;
    return no_peer;
}

// The port at the other end of PID's socket FD, whose link is TARGET.
static int peer_port(pid_t pid, int fd, const std::string &target) {
    Fd copy = copy_of_descriptor(pid, fd);
    if (copy.get() == -1)
        return peer_in_table(target);
    union address address = {};
    socklen_t size = sizeof address;
    bool known = getpeername(copy.get(), &address.any, &size) == 0;
    return known ? ntohs(address.ipv6.sin6_port) : no_peer; // or IPv4's
}

void judge_connection(Findings &findings, Invariant invariant,
                      const std::string &who, pid_t pid,
                      const Descriptors &held, const Descriptors &standard,
                      const std::set<int> &ports) {
    Descriptors expected = standard_of(standard);
    bool right =
        held.size() == expected.size() + 1 && standard_of(held) == expected;
    if (right) {
        const auto &[fd, target] = *held.rbegin();
        int peer = peer_port(pid, fd, target);
        right = target.starts_with("socket:") &&
                (ports.contains(peer) || peer == unseen);
    }
    std::string text = text_of(expected) + " and the connection to port";
    for (int port : ports)
        text += " " + std::to_string(port);
    if (!right)
        add_finding(findings, invariant,
                    who + " holds" + text_of(held) + ", not" + text);
}

// ---- signals ----------------------------------------------------------------

// The signals that a sanitizer's runtime catches, such as SIGSEGV: the same in
// this process as in the programs, which are built alike. Read before main,
// because doctest adds handlers of its own.
static const unsigned long long caught_by_library =
    signal_mask(getpid(), "SigCgt");

static unsigned long long mask_of(const std::vector<int> &signals) {
    unsigned long long mask = 0;
    for (int signo : signals)
        mask |= 1ULL << (signo - 1);
    return mask;
}

void judge_signals(Findings &findings, const std::string &who, pid_t pid,
                   const Signals &expected) {
    const struct {
        const char *name;
        unsigned long long mask;
    } masks[] = {
        {"SigCgt", mask_of(expected.caught) | caught_by_library},
        {"SigIgn", mask_of(expected.ignored)},
        {"SigBlk", mask_of(expected.blocked)},
    };
    for (const auto &[name, mask] : masks) {
        unsigned long long seen = signal_mask(pid, name);
        std::ostringstream text;
        text << who << " has " << name << " " << std::hex << seen << ", not "
             << mask;
        if (seen != mask)
            add_finding(findings, Invariant::dispositions, text.str());
    }
}

// ---- sleep ------------------------------------------------------------------

void await_sleep(pid_t pid) {
    REQUIRE(eventually([pid] { return process_state(pid) == "S"; }));
}

// Changes whenever PID has run.
static std::string activity_of(pid_t pid) {
    return process_state(pid) + " " +
           status_field(pid, "voluntary_ctxt_switches") + "+" +
           status_field(pid, "nonvoluntary_ctxt_switches") + " switches";
}

static Findings look_at_sleep(const std::vector<Sleeper> &sleepers,
                              Invariant invariant,
                              std::chrono::milliseconds time) {
    Findings findings;
    std::vector<std::string> before;
    std::vector<long> ticks;
    for (const Sleeper &sleeper : sleepers) {
        before.push_back(activity_of(sleeper.pid));
        ticks.push_back(ticks_of(sleeper.pid));
    }
    // Not a wait for a condition: sleep during this time is what is checked.
    std::this_thread::sleep_for(time);
    for (size_t i = 0; i < sleepers.size(); i++) {
        std::string after = activity_of(sleepers[i].pid);
        long more = ticks_of(sleepers[i].pid) - ticks[i];
        if (after != before[i] || more != 0)
            add_finding(findings, invariant,
                        sleepers[i].who + " does not sleep: " + before[i] +
                            ", then " + after + ", " + std::to_string(more) +
                            " ticks");
    }
    return findings;
}

void judge_sleep(Findings &findings, const std::vector<Sleeper> &sleepers,
                 Invariant invariant, std::chrono::milliseconds time) {
    // A process that looks asleep may still be on its processor, and a late
    // acknowledgement wakes it inside its call. A spurious wakeup of the
    // program's own happens the next time too.
    if (!look_at_sleep(sleepers, invariant, time).empty())
        add_findings(findings, look_at_sleep(sleepers, invariant, time));
}

// ---- waiting ----------------------------------------------------------------

constexpr int most_seconds = 5; // for a process that spins

void nap() {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

static bool rests(pid_t pid) {
    std::string state = process_state(pid);
    return state != "R" && state != "D" && state != "t";
}

bool soon(pid_t pid, const std::function<bool()> &condition) {
    for (int i = 0; i < most_seconds * naps_in_a_second; i++) {
        if (condition())
            return true;
        bool second_over = i > 0 && i % naps_in_a_second == 0;
        if (second_over && std::ranges::all_of(members_of_group(pid), rests))
            break;
        nap();
    }
    return condition();
}

// Of PID and its children; "" while one of them runs.
static std::string activity_of_family(pid_t pid) {
    std::vector<pid_t> family = children_of(pid);
    family.push_back(pid);
    std::string all;
    for (pid_t member : family) {
        std::string activity = activity_of(member);
        if (activity[0] == 'R' || activity[0] == 'D')
            return "";
        all += std::to_string(member) + activity + "\n";
    }
    return all;
}

bool comes_to_hold(pid_t pid, const std::function<bool()> &condition) {
    std::string last;
    Clock::time_point since = Clock::now();
    bool held = false;
    eventually([&] {
        held = condition();
        if (held)
            return true;
        std::string activity = activity_of_family(pid);
        if (activity.empty() || activity != last)
            since = Clock::now();
        last = activity;
        if (Clock::now() - since < std::chrono::seconds(1))
            return false;
        held = condition(); // it may have become true just before the rest
        return true;
    });
    return held;
}

// ---- lines ------------------------------------------------------------------

// From the lines so far.
struct Pairs {
    std::set<int> came, went; // by child ID
    std::set<int> ports;
};

// Whether LINE may follow those in PAIRS, some of which may be LOST.
static bool fits(const std::string &line, Pairs &pairs, bool lost) {
    int port = 0;
    int pid = 0;
    if (sscanf(line.c_str(), "new client connected... 127.0.0.1:%d (pid %d)",
               &port, &pid) == 2)
        return pairs.ports.insert(port).second && pairs.came.insert(pid).second;
    if (sscanf(line.c_str(), "removed proc id: %d", &pid) == 1)
        return pairs.went.insert(pid).second &&
               (lost || pairs.came.contains(pid));
    return true;
}

void judge_lines(Findings &findings, const std::string &who,
                 const std::string &text, const std::set<int> &ports, int lost,
                 bool ended) {
    Pairs pairs;
    std::vector<std::string> all = lines_of(text);
    for (const std::string &line : all) {
        if (!matches(line,
                     "listening on [^ ]+:[0-9]+|"
                     "new client connected\\.\\.\\. 127\\.0\\.0\\.1:[0-9]+ "
                     "\\(pid [1-9][0-9]*\\)|"
                     "removed proc id: [1-9][0-9]* \\([a-z0-9 ]+\\)|"
                     "served [0-9]+, live [0-9]+, refused 0, fork failures "
                     "[0-9]+, lines lost [0-9]+"))
            add_finding(findings, Invariant::lines,
                        who + ": '" + line + "' is no line of a server");
        else if (!fits(line, pairs, lost > 0))
            add_finding(findings, Invariant::lines,
                        who + ": '" + line + "' comes twice, or too early");
    }
    if (!std::ranges::includes(ports, pairs.ports))
        add_finding(findings, Invariant::lines,
                    who + ": a client that never came: " + text);
    if (!ended)
        return;
    int served = 0;
    int told = -1;
    (void)sscanf(
        all.empty() ? "" : all.back().c_str(),
        "served %d, live 0, refused 0, fork failures %*d, lines lost %d",
        &served, &told);
    int missing =
        2 * served - static_cast<int>(pairs.came.size() + pairs.went.size());
    if (told != lost || missing < 0 || missing > lost ||
        (lost == 0 && pairs.came != pairs.went))
        add_finding(findings, Invariant::lines,
                    who + " has lost " + std::to_string(lost) +
                        " lines; not one line each, or other totals: " + text);
}

// ---- end --------------------------------------------------------------------

void judge_status(Findings &findings, const Process &process,
                  const std::string &who, int status,
                  const std::set<int> &statuses) {
    std::string others;
    for (int other : statuses)
        others += " " + std::to_string(other);
    if (!statuses.contains(status))
        add_finding(findings, Invariant::exit_status,
                    who + " ends with " + std::to_string(status) + ", not" +
                        others + ": " + process.errors);
}

// Apart from zombies reparented to the test.
static bool group_has_ended(pid_t pid) {
    return std::ranges::all_of(members_of_group(pid), [](pid_t member) {
        std::string state = process_state(member);
        return state == "Z" || state.empty();
    });
}

void judge_orphans(Findings &findings, const Process &process,
                   const std::string &who, int least, int most) {
    if (!soon(process.pid(), [&] { return group_has_ended(process.pid()); })) {
        add_finding(findings, Invariant::no_zombie, who + " is outlived");
        kill(-process.pid(), SIGKILL);
    }
    int orphans = orphans_left_by(process.pid());
    if (orphans < least || orphans > most)
        add_finding(findings, Invariant::no_zombie,
                    who + " leaves " + std::to_string(orphans) +
                        " for others to reap, not " + std::to_string(least));
}

void judge_end(Findings &findings, Process &process, int status) {
    if (!eventually([&] { return process.has_ended(); })) {
        add_finding(findings, Invariant::drain, "it does not end");
        return;
    }
    // A child that it did not reap still exists, if only for the test to reap.
    if (kill(-process.pid(), 0) == 0)
        add_finding(findings, Invariant::drain, "processes outlive it");
    judge_status(findings, process, "it", process.wait(), {status});
}

void judge_errors(Findings &findings, const Process &process) {
    const std::string &errors = process.errors;
    bool report = errors.find("Sanitizer") != errors.npos ||
                  errors.find("runtime error") != errors.npos;
    if (!errors.empty())
        add_finding(findings, report ? Invariant::memory : Invariant::lines,
                    "it complains: " + errors);
}
