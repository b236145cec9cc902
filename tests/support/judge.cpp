// SPDX-License-Identifier: MIT
// judge - what audits and fault scenarios check in one process.
#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <sstream>
#include <thread>
#include <unistd.h>

#include "support/judge.h"
#include "support/tcp_table.h"
#include "support/waiting.h"

void add_finding(Findings &findings, Invariant invariant,
                 const std::string &what) {
    findings.push_back({invariant, what});
}

// ---- descriptors ------------------------------------------------------------

Descriptors standard_of(const Descriptors &descriptors) {
    return {descriptors.begin(), descriptors.upper_bound(STDERR_FILENO)};
}

void judge_descriptors(Findings &findings, Invariant invariant,
                       const std::string &who, const Descriptors &held,
                       const Descriptors &expected) {
    if (held != expected)
        add_finding(findings, invariant,
                    who + " holds" + text_of(held) + ", not" +
                        text_of(expected));
}

// Whether the link TARGET is that of a connection whose other end has one of
// PORTS; any socket where the host does not permit to see that.
static bool connects_to(const std::set<int> &ports, const std::string &target) {
    std::optional<std::vector<TcpSocket>> table = tcp_table();
    if (!table)
        return target.starts_with("socket:");
    return std::ranges::any_of(*table, [&](const TcpSocket &socket) {
        return socket.target == target && ports.contains(socket.remote_port);
    });
}

void judge_connection(Findings &findings, Invariant invariant,
                      const std::string &who, const Descriptors &held,
                      const Descriptors &standard, const std::set<int> &ports) {
    Descriptors expected = standard_of(standard);
    bool right = held.size() == expected.size() + 1 &&
                 standard_of(held) == expected &&
                 connects_to(ports, held.rbegin()->second);
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
           status_field(pid, "nonvoluntary_ctxt_switches") + " switches, " +
           std::to_string(ticks_of(pid)) + " ticks";
}

static Findings look_at_sleep(const std::vector<Sleeper> &sleepers,
                              Invariant invariant,
                              std::chrono::milliseconds time) {
    Findings findings;
    std::vector<std::string> before;
    for (const auto &[who, pid] : sleepers) {
        (void)soon(pid, [pid = pid] {
            std::string state = process_state(pid);
            return state == "S" || state == "Z";
        });
        before.push_back(activity_of(pid));
    }
    // Not a wait for a condition: sleep during this time is what is checked.
    for (auto passed = nap_time; passed <= time; passed += nap_time)
        nap();
    for (size_t i = 0; i < sleepers.size(); i++) {
        std::string after = activity_of(sleepers[i].pid);
        if (after != before[i])
            add_finding(findings, invariant,
                        sleepers[i].who + " does not sleep: " + before[i] +
                            ", then " + after);
    }
    return findings;
}

void judge_sleep(Findings &findings, const std::vector<Sleeper> &sleepers,
                 Invariant invariant, std::chrono::milliseconds time) {
    // A process that looks asleep may still be on its processor, and a late
    // acknowledgement wakes it inside its call. A spurious wakeup of the
    // program's own happens the next time too.
    if (look_at_sleep(sleepers, invariant, time).empty())
        return;
    Findings wakes = look_at_sleep(sleepers, invariant, time);
    findings.insert(findings.end(), wakes.begin(), wakes.end());
}

// ---- waiting ----------------------------------------------------------------

constexpr int most_seconds = 5; // for a process that spins

void nap() {
    std::this_thread::sleep_for(nap_time);
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
        if (second_over && rests(pid) &&
            std::ranges::all_of(members_of_group(pid), rests))
            break;
        nap();
    }
    return condition();
}

static std::string activity_of_group(pid_t pid) {
    std::string all;
    for (pid_t member : members_of_group(pid))
        all += std::to_string(member) + activity_of(member) + "\n";
    return all;
}

bool comes_to_hold(pid_t pid, const std::function<bool()> &condition) {
    std::string last;
    bool held = false;
    (void)eventually([&] {
        held = soon(pid, condition);
        std::string activity = activity_of_group(pid);
        return held || activity == std::exchange(last, activity);
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
                        who + ": '" + line +
                            "' is not a line that the server prints");
        else if (!fits(line, pairs, lost > 0))
            add_finding(findings, Invariant::lines,
                        who + ": '" + line + "' is printed twice or too early");
    }
    if (!std::ranges::includes(ports, pairs.ports))
        add_finding(findings, Invariant::lines,
                    who + ": an unknown client: " + text);
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
        add_finding(findings, Invariant::no_zombie,
                    who + " leaves processes running");
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
