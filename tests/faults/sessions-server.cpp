// SPDX-License-Identifier: MIT
// sessions - the server's sessions under a fault.
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "faults/session.h"
#include "lifelines/record.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

// Seconds that terminating may take: the server may first retry waitpid.
constexpr int patience = 8;

// A client that never blocks.
class Client {
  public:
    explicit Client(int port) {
        over_ = try_to_dial(port, AF_INET, &fd_) != 0;
    }
    void send(std::string_view bytes) {
        sent_ += bytes;
        (void)::send(fd_.get(), bytes.data(), bytes.size(),
                     MSG_NOSIGNAL | MSG_DONTWAIT); // the echo shows errors
    }
    bool answered() {
        read_what_is_there();
        return received_ == sent_;
    }
    bool over() {
        read_what_is_there();
        return over_;
    }
    bool in_order() const {
        return sent_.starts_with(received_);
    }
    void finish() {
        (void)shutdown(fd_.get(), SHUT_WR); // it may be over already
    }
    int port() const {
        return local_port(fd_);
    }
    void leave() {
        fd_.close();
        over_ = true;
    }

  private:
    void read_what_is_there() {
        char bytes[4096];
        while (!over_) {
            ssize_t n = recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
            if (n == -1 && errno == EAGAIN)
                return;
            over_ = n <= 0;
            if (n > 0)
                received_.append(bytes, static_cast<size_t>(n));
        }
    }

    Fd fd_;
    std::string sent_, received_;
    bool over_ = false;
};

// Whether the server sleeps in its loop.
static bool waits(const Session &session) {
    bool in_loop = true;
    for (const TracedCall &call : session.tracer->calls())
        if (call.pid == session.pid)
            in_loop = call.name == "ppoll";
    return in_loop && process_state(session.pid) == "S";
}

// The clients in the order in which they connect.
enum { before, during, after, late };

struct ServeSession : Session {
    int port = 0;
    Descriptors at_start;
    std::vector<Client> clients;
    std::set<int> ports; // theirs
    bool asked_to_end = false;
    bool lifted = false;

    explicit ServeSession(const Scenario &of) : Session(of, {}) {
        if (!process.output_has("\n"))
            throw std::runtime_error("it does not listen: " + process.errors);
        port = announced_port(process.output);
        at_start = descriptors_of(pid);
        add_client("before");
        check(eventually([&] { return clients[before].answered(); }),
              Invariant::echo, "no echo before the fault");
        (void)process.output_has("new client"); // the child is now running
        attach(of.target == Target::child ? only_child_of(pid) : pid);
    }

    void add_client(const char *words) {
        clients.emplace_back(port);
        ports.insert(clients.back().port());
        clients.back().send(words);
    }

    // It has been told to terminate, or has met a fault that must terminate it.
    bool ending() const {
        bool by_fault = scenario.reaction == Reaction::drains ||
                        scenario.reaction == Reaction::stops;
        return asked_to_end || (by_fault && tracer->met(pid));
    }

    // The same, once the server sleeps: a lost signal is found only if nothing
    // wakes the server up again.
    bool struck_to_end() {
        auto rests = [&] { return process.has_ended() || waits(*this); };
        if (scenario.reaction == Reaction::drains && !lifted)
            (void)soon(pid, rests);
        return ending() || process.has_ended();
    }

    // Its child has met the fault, or the second signal, which ends the grace
    // period.
    bool may_be_lost(size_t client) const {
        if (scenario.reaction == Reaction::loses_child)
            return client ==
                   (scenario.target == Target::child ? before : during);
        return told_to_end() && asked_to_end && tracer->met(pid);
    }

    // While the fault lasts: fewer than 50 calls and 5 clock ticks a second.
    void watch_for_spin() {
        auto ticks = [&] {
            long sum = ticks_of(pid);
            for (pid_t child : children_of(pid))
                sum += ticks_of(child);
            return sum;
        };
        if (process.has_ended())
            return;
        // On a busy machine each step takes longer, while the server goes on:
        // the time begins before the first count and ends after the last one.
        auto start = std::chrono::steady_clock::now();
        size_t calls_before = tracer->calls().size();
        long ticks_before = ticks();
        for (int i = 0; i < naps_in_a_second; i++)
            nap();
        if (process.has_ended())
            return;
        size_t calls = tracer->calls().size() - calls_before;
        long used = ticks() - ticks_before;
        double seconds = std::chrono::duration<double>(
                             std::chrono::steady_clock::now() - start)
                             .count();
        check(static_cast<double>(calls) < 50 * seconds &&
                  static_cast<double>(used) < 5 * seconds,
              Invariant::no_spin,
              std::to_string(calls) + " calls and " + std::to_string(used) +
                  " ticks in " + std::to_string(seconds) + " seconds");
    }

    // Watches a fault that has struck for good, then lifts it.
    void lift_if_met() {
        if (lifted || !scenario.fault.for_ever || !tracer->met())
            return;
        lifted = true;
        watch_for_spin();
        tracer->lift();
        if (*scenario.says != '\0')
            check_message();
    }

    // As soon(), or within a second after the fault.
    bool comes(const std::function<bool()> &condition) {
        if (soon(pid, condition))
            return true;
        bool was_lifted = lifted;
        lift_if_met();
        return lifted != was_lifted && soon(pid, condition);
    }

    void strike() {
        add_client("during");
        clients[before].send("more");
        auto answered = [&] {
            return clients[before].answered() && clients[during].answered();
        };
        if (scenario.fault.for_ever)
            (void)soon(pid, answered);
        lift_if_met();
        // Each child counts its own calls: the later ones must be spared.
        if (scenario.reaction == Reaction::loses_child &&
            scenario.target == Target::family && !lifted) {
            (void)soon(pid, answered);
            clients[during].finish();
            (void)soon(pid, [&] { return clients[during].over(); });
            lifted = true;
            tracer->lift();
        }
    }

    void check_client(size_t client, Invariant invariant) {
        Client &c = clients[client];
        bool settled = comes(
            [&] { return c.answered() || (c.over() && may_be_lost(client)); });
        // The last one may not have been accepted yet.
        bool excused = client != before && ending();
        check(settled || excused, invariant,
              "no echo for client " + std::to_string(client));
        check(c.in_order(), Invariant::echo,
              "other bytes for client " + std::to_string(client));
    }

    // Each holds one connection. After a suppressed close there is more to
    // inherit.
    void check_children() {
        if (left_out(0, "close") > 0)
            return;
        for (pid_t child : children_of(pid)) {
            Descriptors held = descriptors_of(child);
            if (!held.empty()) // otherwise it is a zombie
                judge_connection(findings, Invariant::child_descriptors,
                                 "a child", held, {}, ports);
        }
    }

    // As if the closes that strace has suppressed had been made.
    void check_descriptors() {
        Descriptors held;
        auto same = [&] {
            held = descriptors_of(pid);
            for (const TracedCall &call : tracer->calls())
                if (call.injected && call.name == "close" && call.pid == pid)
                    held.erase(std::stoi(call.arguments));
            return held == at_start;
        };
        (void)comes(same);
        judge_descriptors(findings, Invariant::parent_descriptors, "the server",
                          held, at_start);
    }

    // After the fault, without clients.
    void check_rest() {
        if (scenario.fault.for_ever && !lifted)
            return; // it may strike meanwhile
        // After reaping, the server wakes once more, to unblock SIGCHLD.
        (void)eventually([&] { return signal_mask(pid, "SigBlk") == 0; });
        judge_sleep(findings, {{"after the fault, the server", pid}},
                    Invariant::no_spin, std::chrono::milliseconds(200));
    }

    void check_totals() {
        process.signal(SIGUSR1);
        bool printed = comes([&] {
            (void)process.has_ended(); // reads what it prints
            return process.output.find("served ") != std::string::npos;
        });
        check(printed || left_out(pid, "write", "1") > 0 || ending(),
              Invariant::lines, "no totals");
    }

    void let_clients_go() {
        for (Client &client : clients) {
            client.finish();
            bool gone = comes([&] { return client.over(); });
            // The client gets no end of file for what the parent has not
            // closed.
            check(gone || left_out(pid, "close") > 0 || ending(),
                  Invariant::echo, "the server does not close");
            client.leave();
            if (struck_to_end())
                return;
        }
    }

    void go_on() {
        check_client(before, Invariant::echo);
        check_client(during, Invariant::serves_after);
        if (struck_to_end())
            return;
        add_client("after");
        check_client(after, Invariant::serves_after);
        if (struck_to_end())
            return;
        check_children();
        let_clients_go();
        if (struck_to_end())
            return;
        lift_if_met();
        bool quiet = comes([&] { return children_of(pid).empty(); });
        check(quiet || ending(), Invariant::no_zombie,
              "a child is left at rest");
        if (struck_to_end())
            return;
        check_descriptors();
        check_totals();
        check_rest(); // the signal has ended a pause that the fault caused
    }

    bool listener_closed() {
        if (process.has_ended())
            return true;
        const auto &[fd, target] = *at_start.rbegin();
        Descriptors held = descriptors_of(pid);
        return !held.contains(fd) || held[fd] != target;
    }

    void drain() {
        if (!struck_to_end()) {
            add_client("late");
            check_client(late, Invariant::serves_after);
        }
        lift_if_met();
        std::vector<bool> served;
        for (Client &client : clients)
            served.push_back(client.answered() && !client.over());
        if (!struck_to_end()) {
            asked_to_end = true;
            process.signal(SIGTERM);
        }
        // Only by looking in /proc: a connection would wake a server that has
        // lost the signal.
        bool closed = comes([&] { return listener_closed(); });
        std::string listener = std::to_string(at_start.rbegin()->first);
        bool excused = left_out(0, "close", listener) > 0;
        check((closed && !is_listening(port)) || excused, Invariant::drain,
              "it listens while it drains");
        for (size_t i = 0; i < clients.size(); i++) {
            clients[i].send("last");
            bool answered =
                !served[i] || comes([&] { return clients[i].answered(); });
            check(answered || may_be_lost(i), Invariant::drain,
                  "client " + std::to_string(i) +
                      " is not served in the drain");
            check(clients[i].in_order(), Invariant::echo,
                  "other bytes in the drain");
            clients[i].leave();
        }
    }

    Outcome judge() {
        auto ended = [&] { return process.has_ended(); };
        for (int i = 0; i < patience && !comes(ended); i++)
            ;
        if (!ended()) {
            check(false, Invariant::drain, "it does not end");
            return outcome();
        }
        check_status(process.wait(), false);
        // If its waitpid kept failing, it can neither reap its children nor
        // report which of them have terminated.
        bool gave_up = process.wait() == 1 && left_out(pid, "wait4") > 0;
        judge_orphans(findings, process, "the server", 0,
                      gave_up ? INT_MAX : 0);
        bool told_last = true; // or the statistics that SIGUSR1 has requested
        for (const TracedCall &call : tracer->calls())
            if (call.pid == pid && call.name == "write" &&
                argument(call.arguments, 0) == "1")
                told_last = !call.injected;
        judge_lines(findings, "the server", process.output, ports,
                    left_out(pid, "write", "1") + left_out(pid, "write", "2"),
                    told_last && !gave_up);
        return outcome();
    }
};

Outcome serve_session(const Scenario &scenario) {
    ServeSession session(scenario);
    session.strike();
    session.go_on();
    session.drain();
    return session.judge();
}

Outcome grace_session(const Scenario &scenario) {
    ServeSession session(scenario);
    session.asked_to_end = true;
    session.process.signal(SIGTERM);
    return session.judge();
}

// ---- its start --------------------------------------------------------------

// For a line, even if the first one was lost, and an echo.
static void use(Session &session) {
    Process &server = session.process;
    server.signal(SIGUSR1);
    session.check(server.output_has("served 0"), Invariant::lines, "no totals");
    if (server.output.find("listening on ") == std::string::npos) {
        session.check(session.left_out(session.pid, "write") > 0,
                      Invariant::lines, "no announcement");
        return;
    }
    Client client(announced_port(server.output));
    client.send("hello");
    session.check(soon(session.pid, [&] { return client.answered(); }),
                  Invariant::serves_after, "no echo after the start");
}

Outcome start_session(const Scenario &scenario) {
    Session session(scenario, stopped());
    Process &server = session.process;
    session.begin();
    // Even if its announcement could not be written.
    (void)eventually([&] { return server.has_ended() || waits(session); });
    bool serves = !server.has_ended();
    if (serves && session.told_to_end() && session.tracer->met()) {
        session.check(soon(session.pid, [&] { return server.has_ended(); }),
                      Invariant::drain, "it has not heard SIGTERM");
    } else if (serves) {
        session.tracer->lift();
        use(session);
    }
    if (!server.has_ended())
        server.signal(SIGTERM);
    int status = server.wait();
    session.check(serves || scenario.reaction != Reaction::carries_on,
                  Invariant::serves_after,
                  "it did not start: " + server.errors);
    bool announced = server.output.find("listening") != std::string::npos;
    session.check_status(status, !announced);
    judge_orphans(session.findings, server, "the server", 0, 0);
    return session.outcome();
}
