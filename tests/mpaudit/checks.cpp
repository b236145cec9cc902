// SPDX-License-Identifier: MIT
// checks - what is asked of a server.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>

#include "mpaudit/checks.h"
#include "support/sockets.h"

std::vector<Check> all_checks() {
    std::vector<Check> all = process_checks;
    all.insert(all.end(), limit_checks.begin(), limit_checks.end());
    all.insert(all.end(), traffic_checks.begin(), traffic_checks.end());
    return all;
}

bool judge_service(const Subject &subject) {
    std::string why;
    // One that comes while a pause is not over yet may be turned away.
    for (int i = 0; i < 3; i++) {
        if (subject.serves(subject.connect(), &why))
            return true;
        pass(200);
    }
    subject.fault("no client is served", {{"client", why}});
    return false;
}

// Some servers reap only when the next client comes: then at most one stays.
static void judge_zombies(const Subject &subject) {
    if (eventually([] { return zombies().empty(); }))
        return;
    Family left = zombies();
    (void)subject.serves(subject.connect());
    (void)eventually([&] { // its process has ended: one more to reap
        return std::ranges::all_of(family(), [&](const auto &entry) {
            return subject.rest.contains(entry.first) ||
                   entry.second.state == 'Z';
        });
    });
    if (eventually([] { return zombies().size() <= 1; }))
        subject.result.comment(number(left.size()) + " zombies " +
                               subject.result.when +
                               " until the next client comes");
    else
        subject.fault("zombies stay", {{"zombies", number(zombies().size())},
                                       {"first", text_of(left)}});
}

size_t processes_left(const Subject &subject) {
    bool quiet = subject.becomes_quiet();
    size_t count = family().size();
    return quiet || !zombies().empty() || count < subject.rest.size()
               ? 0
               : count - subject.rest.size();
}

void judge_rest(const Subject &subject) {
    judge_zombies(subject);
    if (!judge_service(subject))
        return;
    if (size_t count = processes_left(subject))
        subject.result.comment("processes outlive their clients: " +
                               number(count));
}

bool judge_life(const Subject &subject, pid_t pid) {
    if (lives(pid))
        return true;
    bool own = pid == subject.process->pid() && subject.process->has_ended();
    subject.fault("it ends", {{"status", own ? number(subject.process->wait())
                                             : "unknown"}});
    return false;
}

std::string fill(const Fd &client) {
    std::string sent;
    (void)eventually([&] {
        std::string more = send_what_fits(client);
        sent += more;
        pass(50);
        return more.empty() || sent.size() > most_to_fill;
    });
    return sent;
}

// ---- growth -----------------------------------------------------------------

// Anonymous memory, which no file backs.
static long kib_at_rest(const Subject &subject) {
    long kib = 0;
    for (pid_t pid : subject.rest)
        kib += atol(status_field(pid, "RssAnon").c_str());
    return kib;
}

static long descriptors_at_rest(const Subject &subject) {
    size_t count = 0;
    for (pid_t pid : subject.rest)
        count += descriptors_of(pid).size();
    return static_cast<long>(count);
}

// A server may take something late, or keep some for the next client; but a
// leak goes on.
static bool grows(const std::vector<long> &sizes) {
    return std::ranges::adjacent_find(sizes, std::greater_equal<>()) ==
           sizes.end();
}

static std::string from_to(const std::vector<long> &sizes) {
    return number(sizes.front()) + " to " + number(sizes.back());
}

constexpr int parts = 5;
constexpr std::chrono::seconds most_time_a_part(6);

void judge_growth(Result &result, int clients) {
    Subject subject(result);
    std::vector<long> kib;
    std::vector<long> descriptors;
    int count = 0;
    for (int part = 0; part < parts; part++) {
        auto until = std::chrono::steady_clock::now() + most_time_a_part;
        for (int i = 0; i < clients; i++) {
            if (std::chrono::steady_clock::now() > until)
                break;
            result.when = "after " + number(count++) + " in a row";
            if (!subject.serves(subject.connect()) && !judge_service(subject))
                return;
        }
        (void)subject.becomes_quiet();
        kib.push_back(kib_at_rest(subject));
        descriptors.push_back(descriptors_at_rest(subject));
    }
    result.when = "with each client";
    result.comment(number(count) + " clients one after the other");
    // A few may still fill what is allocated once.
    if (count > 1000 && grows(kib) && kib.back() - kib.front() >= 64)
        subject.fault("memory grows",
                      {{"kib", from_to(kib)}, {"clients", number(count)}});
    if (grows(descriptors))
        subject.fault("descriptors stay",
                      {{"descriptors", from_to(descriptors)},
                       {"clients", number(count)},
                       {"held", text_of(descriptors_of(subject.main))}});
}
