// SPDX-License-Identifier: MIT
// checks-traffic - what clients get, and what they can do to a server.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <sys/socket.h>

#include "mpaudit/checks.h"
#include "mpaudit/subject.h"
#include "support/sockets.h"
#include "support/waiting.h"

using Clock = std::chrono::steady_clock;

static void judge_echo(Result &result, const std::string &sent,
                       const Received &received, const std::string &when) {
    if (received.bytes == sent)
        return;
    auto [ours, theirs] = std::ranges::mismatch(sent, received.bytes);
    result.fault("bytes are lost or changed " + when,
                 {{"sent", number(sent.size())},
                  {"received", number(received.bytes.size())},
                  {"same_until", number(ours - sent.begin())},
                  {"end", name_of(received.end)}});
}

// ---- bytes ------------------------------------------------------------------

static void check_half_close(Result &result) {
    Subject subject;
    for (size_t size : std::vector<size_t>{0, 1, 5000, 1 << 16, 1 << 20}) {
        Fd client = subject.connect();
        std::string sent = pattern(size);
        std::string when = "when a client half-closes after " + number(size);
        Received received = echo_of(client, sent, true);
        judge_echo(result, sent, received, when);
        if (received.bytes == sent && received.end == End::silence)
            result.fault("the end never comes " + when,
                         {{"server", subject.state()}});
    }
}

static void check_slow_reader(Result &result) {
    Subject subject;
    Fd client = subject.client();
    // Until both directions are full; but for a server that reads it all first.
    std::string sent;
    (void)eventually([&] {
        std::string more = send_what_fits(client);
        sent += more;
        pass(50);
        return more.empty() || sent.size() > (64U << 20);
    });
    finish_sending(client);
    pass(1500);
    judge_echo(result, sent, converse(client, "", true, {}, deadline_seconds),
               "of a client that half-closed and reads a second later");
}

static void check_large_echo(Result &result) {
    Subject subject;
    Fd client = subject.client();
    std::string sent = pattern(16 << 20);
    judge_echo(result, sent, echo_of(client, sent), "of 16 MiB");
}

// ---- other clients ----------------------------------------------------------

static void check_no_reader(Result &result) {
    Subject subject;
    Fd client = subject.client();
    std::string sent = send_what_fits(client);
    pass(200);
    sent += send_what_fits(client);
    judge_service(result, subject, "while a client does not read");
    std::string back =
        converse(
            client, "", false,
            [&](const std::string &got) { return got.size() >= sent.size(); },
            deadline_seconds)
            .bytes;
    judge_echo(result, sent, {back, End::enough},
               "of a client that began to read late");
}

static void check_silent_client(Result &result) {
    Subject subject;
    Fd silent = subject.connect();
    pass(100);
    judge_service(result, subject, "while a client is silent");
}

static void check_reset_before_accept(Result &result) {
    Subject subject;
    subject.crowd(1).clear();
    (void)subject.becomes_quiet();
    for (pid_t acceptor : subject.acceptors)
        if (!stop(acceptor))
            throw Skip{"the server cannot be stopped"};
    for (int i = 0; i < 3; i++) {
        Fd client = subject.connect();
        if (client.get() != -1)
            reset_connection(client);
    }
    for (pid_t acceptor : subject.acceptors)
        (void)send_signal(acceptor, SIGCONT);
    const char *when = "after clients that reset before accept(2)";
    if (judge_service(result, subject, when))
        judge_zombies(result, subject, when);
}

static void check_reset_in_flight(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(5);
    for (Fd &client : clients) {
        (void)send_what_fits(client);
        reset_connection(client);
    }
    const char *when = "after clients that reset amid their data";
    if (judge_service(result, subject, when))
        judge_zombies(result, subject, when);
    if (!subject.becomes_quiet() && zombies_of(family()).empty() &&
        family().size() > subject.rest.size())
        result.fault("processes outlive clients that have reset",
                     {{"processes", number(family().size())},
                      {"at_rest", number(subject.rest.size())}});
}

// ---- time -------------------------------------------------------------------

static double milliseconds_of_trip(const Fd &client, const std::string &bytes) {
    Clock::time_point start = Clock::now();
    if (echo_of(client, bytes).end != End::enough)
        throw NotServing("an echo does not come back");
    return std::chrono::duration<double, std::milli>(Clock::now() - start)
        .count();
}

// The fastest of several, so that only what happens every time counts. The
// first few messages of a connection are acknowledged at once.
static double fastest_trip(const Fd &client, size_t size, int trips) {
    std::string bytes = pattern(size);
    double best = 1e9;
    for (int i = 0; i < trips; i++)
        best = std::min(best, milliseconds_of_trip(client, bytes));
    return best;
}

constexpr double delay = 30; // an acknowledgement is delayed by 40 ms

static void check_stalls(Result &result) {
    Subject subject;
    Fd client = subject.client();
    double one = fastest_trip(client, 1, 30);
    std::string slow;
    for (size_t size : std::vector<size_t>{2, 31, 64, 200, 1000, 1461, 4097,
                                           8193, 16385, 65537}) {
        double time = fastest_trip(client, size, 7);
        if (time > one + delay) // on a busy machine it may be its load
            time = std::min(time, fastest_trip(client, size, 15));
        if (time > one + delay)
            slow += (slow.empty() ? "" : ", ") + number(size) +
                    " bytes: " + number(time) + " ms";
    }
    if (!slow.empty())
        result.fault("messages wait for a delayed acknowledgement",
                     {{"one_byte", number(one) + " ms"}, {"slow", slow}});
}

static void check_urgent_data(Result &result) {
    Subject subject;
    Fd client = subject.client();
    (void)send(client.get(), "u", 1, MSG_OOB | MSG_NOSIGNAL);
    Received received = echo_of(client, "abc");
    std::string back = received.bytes;
    if (back.find("abc") == back.npos && back != "uab")
        result.fault("a client that sent urgent data is not served on",
                     {{"received", back}, {"end", name_of(received.end)}});
    result.comment(back.starts_with('u') ? "an urgent byte is echoed in line"
                                         : "an urgent byte is not echoed");
    judge_service(result, subject, "after urgent data");
}

// ---- the checks -------------------------------------------------------------

const std::vector<Check> traffic_checks = {
    {"half-close", "a client that half-closes gets all of its echo", an_echo,
     check_half_close},
    {"slow-reader", "it gets all of it if it reads only a second later",
     an_echo, check_slow_reader},
    {"large-echo", "16 MiB come back as they were sent", an_echo,
     check_large_echo},
    {"no-reader", "a client that does not read holds up nobody", an_echo,
     check_no_reader},
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
