// SPDX-License-Identifier: MIT
// checks-traffic - what clients get, and what they can do to a server.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <sys/socket.h>

#include "mpaudit/checks.h"
#include "support/sockets.h"

using Clock = std::chrono::steady_clock;

// ---- bytes ------------------------------------------------------------------

static void judge_echo(const Subject &subject, const std::string &sent,
                       const Received &received) {
    auto [ours, theirs] = std::ranges::mismatch(sent, received.bytes);
    if (received.bytes != sent)
        subject.fault("bytes are lost or changed",
                      {{"sent", number(sent.size())},
                       {"received", number(received.bytes.size())},
                       {"same_until", number(ours - sent.begin())},
                       {"end", end_names[received.end]}});
}

static void check_half_close(Result &result) {
    Subject subject(result);
    for (size_t size : std::vector<size_t>{0, 1, 5000, 1 << 16, 1 << 20}) {
        std::string sent = pattern(size);
        result.when = "when a client half-closes after " + number(size);
        Received received = converse(subject.connect(), sent, to_the_end);
        judge_echo(subject, sent, received);
        if (received.bytes == sent && received.end >= silence)
            subject.fault("the end never comes");
    }
}

static void check_large_echo(Result &result) {
    Subject subject(result);
    result.when = "of 16 MiB";
    std::string sent = pattern(16 << 20);
    judge_echo(subject, sent, converse(subject.client(), sent, sent.size()));
}

// ---- other clients ----------------------------------------------------------

static void check_late_reader(Result &result, bool finishes) {
    Subject subject(result);
    Fd client = subject.client();
    std::string sent = fill(client);
    if (finishes)
        finish_sending(client);
    result.when = "while a client does not read";
    judge_service(subject);
    pass(1000);
    result.when = finishes ? "of a client that half-closed and reads late"
                           : "of a client that reads late";
    judge_echo(subject, sent,
               converse(client, "", finishes ? to_the_end : sent.size()));
}

static void check_silent_client(Result &result) {
    Subject subject(result);
    Fd silent = subject.connect();
    result.when = "while a client is silent";
    pass(100);
    judge_service(subject);
}

static void check_reset_before_accept(Result &result) {
    Subject subject(result);
    result.when = "after clients that reset before accept(2)";
    subject.crowd(1).clear();
    (void)subject.becomes_quiet();
    if (!std::ranges::all_of(subject.acceptors, stop))
        throw Skip{"the server cannot be stopped"};
    for (int i = 0; i < 3; i++) {
        Fd client = subject.connect();
        if (client.get() != -1)
            reset_connection(client);
    }
    for (pid_t acceptor : subject.acceptors)
        (void)send_signal(acceptor, SIGCONT);
    judge_rest(subject);
}

static void check_reset_in_flight(Result &result) {
    Subject subject(result);
    result.when = "after clients that reset amid their data";
    subject.crowd(5).clear();
    size_t spare = processes_left(subject); // after clients that just close
    for (Fd &client : subject.crowd(5)) {
        (void)send_what_fits(client);
        reset_connection(client);
    }
    if (size_t count = processes_left(subject); count > 2 * spare)
        subject.fault("processes are left", {{"processes", number(count)}});
    else
        judge_rest(subject);
}

// ---- time -------------------------------------------------------------------

// The fastest of several, so that only what happens every time counts. The
// first few messages of a connection are acknowledged at once.
static double fastest_trip(const Subject &subject, const Fd &client,
                           size_t size, int trips) {
    std::string bytes = pattern(size);
    std::chrono::duration<double, std::milli> best(1e9);
    for (int i = 0; i < trips; i++) {
        Clock::time_point start = Clock::now();
        if (converse(client, bytes, size).end != enough) {
            subject.fault("an echo does not come back",
                          {{"size", number(size)}});
            throw Skip{""}; // of the other sizes: the fault stays
        }
        best = std::min<decltype(best)>(best, Clock::now() - start);
    }
    return best.count();
}

constexpr double delay = 30; // an acknowledgement is delayed by 40 ms

static void check_stalls(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    double one = fastest_trip(subject, client, 1, 30);
    Evidence slow = {{"one_byte", number(one) + " ms"}};
    for (size_t size : std::vector<size_t>{2, 31, 64, 200, 1000, 1461, 4097,
                                           8193, 16385, 65537}) {
        double time = fastest_trip(subject, client, size, 7);
        if (time > one + delay) // on a busy machine it may be its load
            time = std::min(time, fastest_trip(subject, client, size, 15));
        if (time > one + delay)
            slow.emplace_back(number(size) + "_bytes", number(time) + " ms");
    }
    if (slow.size() > 1)
        subject.fault("messages wait for a delayed acknowledgement", slow);
}

static void check_urgent_data(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    result.when = "after urgent data";
    (void)send(client.get(), "u", 1, MSG_OOB | MSG_NOSIGNAL);
    auto [back, end] = converse(client, "abc", 3);
    if (back.find("abc") == back.npos && back != "uab")
        subject.fault("a client is not served on",
                      {{"received", back}, {"end", end_names[end]}});
    result.comment(back.starts_with('u') ? "an urgent byte is echoed in line"
                                         : "an urgent byte is not echoed");
    judge_service(subject);
}

// ---- the checks -------------------------------------------------------------

const std::vector<Check> traffic_checks = {
    {"half-close", "a client that half-closes gets all of its echo", an_echo,
     check_half_close},
    {"slow-reader", "it gets all of it if it reads only a second later",
     an_echo, [](Result &result) { check_late_reader(result, true); }},
    {"large-echo", "16 MiB come back as they were sent", an_echo,
     check_large_echo},
    {"no-reader", "a client that does not read holds up nobody", an_echo,
     [](Result &result) { check_late_reader(result, false); }},
    {"silent-client", "a client that is silent holds up nobody", nothing,
     check_silent_client},
    {"reset-before-accept", "clients that reset before accept(2) end nothing",
     nothing, check_reset_before_accept},
    {"reset-in-flight", "clients that reset amid their data end nothing",
     nothing, check_reset_in_flight},
    {"stalls", "no size of message waits for a delayed acknowledgement",
     an_echo, check_stalls},
    {"urgent-data", "urgent data ends nothing", an_echo, check_urgent_data},
};
