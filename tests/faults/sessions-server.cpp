// SPDX-License-Identifier: MIT
// sessions - the server's sessions under a fault.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <memory>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "faults/session.h"
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

// The clients in the order in which they connect.
enum { before, during, after, late };

class ServeSession : public Session {
  public:
    explicit ServeSession(const Scenario &scenario);
    void strike();
    void go_on();
    void drain();
    void end_without_grace();
    Outcome judge();

  private:
    bool ending() const;
    bool struck_to_end();
    bool may_be_lost(size_t client) const;
    bool listener_closed();
    bool comes(const std::function<bool()> &condition);
    void add_client(const char *words);
    void check_client(size_t client, Invariant invariant);
    void watch_for_spin();
    void lift_if_met();
    void check_children();
    void check_descriptors();
    void check_rest();
    void check_totals();
    void let_clients_go();
    bool gave_up();

    Process server_;
    int port_ = 0;
    Descriptors at_start_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::set<int> ports_; // theirs
    bool asked_to_end_ = false;
    bool lifted_ = false;
};

ServeSession::ServeSession(const Scenario &scenario)
    : Session(scenario), server_(scenario.words) {
    if (!server_.output_has("\n"))
        throw std::runtime_error("it does not listen: " + server_.errors);
    port_ = announced_port(server_.output);
    at_start_ = descriptors_of(server_.pid());
    add_client("before");
    check(eventually([&] { return clients_[before]->answered(); }),
          Invariant::echo, "no echo before the fault");
    (void)server_.output_has("new client"); // the child is now running
    attach(scenario.target == Target::child ? only_child_of(server_.pid())
                                            : server_.pid());
}

void ServeSession::add_client(const char *words) {
    clients_.push_back(std::make_unique<Client>(port_));
    ports_.insert(clients_.back()->port());
    clients_.back()->send(words);
}

// It has been told to terminate, or has met a fault that must terminate it.
bool ServeSession::ending() const {
    bool by_fault = scenario_.reaction == Reaction::drains ||
                    scenario_.reaction == Reaction::stops;
    return asked_to_end_ || (by_fault && tracer_->met_by(server_.pid()));
}

// The same, once the server sleeps: a lost signal is found only if nothing
// wakes the server up again.
bool ServeSession::struck_to_end() {
    auto rests = [&] {
        std::vector<TracedCall> calls = tracer_->calls();
        std::erase_if(calls, [this](const TracedCall &call) {
            return call.pid != server_.pid();
        });
        return server_.has_ended() ||
               (process_state(server_.pid()) == "S" &&
                (calls.empty() || calls.back().name == "ppoll"));
    };
    if (scenario_.reaction == Reaction::drains && !lifted_)
        (void)soon(server_.pid(), rests);
    return ending() || server_.has_ended();
}

// Its child has met the fault, or the second signal, which ends the grace
// period.
bool ServeSession::may_be_lost(size_t client) const {
    if (scenario_.reaction == Reaction::loses_child)
        return client == (scenario_.target == Target::child ? before : during);
    return told_to_end() && asked_to_end_ && tracer_->met_by(server_.pid());
}

// Per second while the fault lasts: fewer than 50 calls and 5 clock ticks, and
// one diagnostic, or two across the boundary between seconds.
void ServeSession::watch_for_spin() {
    auto ticks = [&] {
        long sum = ticks_of(server_.pid());
        for (pid_t child : children_of(server_.pid()))
            sum += ticks_of(child);
        return sum;
    };
    if (server_.has_ended())
        return;
    // On a busy machine each step takes longer, while the server goes on: the
    // time begins before the first count and ends after the last one.
    auto start = std::chrono::steady_clock::now();
    size_t calls_before = tracer_->calls().size();
    int lines_before = count_of("\n", server_.errors);
    long ticks_before = ticks();
    for (int i = 0; i < naps_in_a_second; i++)
        nap();
    if (server_.has_ended())
        return;
    size_t calls = tracer_->calls().size() - calls_before;
    int lines = count_of("\n", server_.errors) - lines_before;
    long used = ticks() - ticks_before;
    std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - start;
    double seconds = took.count();
    check(static_cast<double>(calls) < 50 * seconds &&
              static_cast<double>(used) < 5 * seconds && lines <= 1 + seconds,
          Invariant::no_spin,
          std::to_string(calls) + " calls, " + std::to_string(used) +
              " ticks and " + std::to_string(lines) + " complaints in " +
              std::to_string(seconds) + " seconds");
}

// Watches a fault that has struck for good, then lifts it.
void ServeSession::lift_if_met() {
    if (lifted_ || !scenario_.fault.for_ever || !tracer_->met())
        return;
    lifted_ = true;
    watch_for_spin();
    tracer_->lift();
    if (!scenario_.says.empty())
        check_message(server_);
}

// As soon(), or within a second after the fault.
bool ServeSession::comes(const std::function<bool()> &condition) {
    if (soon(server_.pid(), condition))
        return true;
    bool was_lifted = lifted_;
    lift_if_met();
    return lifted_ != was_lifted && soon(server_.pid(), condition);
}

void ServeSession::strike() {
    add_client("during");
    clients_[before]->send("more");
    auto answered = [&] {
        return clients_[before]->answered() && clients_[during]->answered();
    };
    if (scenario_.fault.for_ever)
        (void)soon(server_.pid(), answered);
    lift_if_met();
    // Each child counts its own calls: the later ones must be spared.
    if (scenario_.reaction == Reaction::loses_child &&
        scenario_.target == Target::family && !lifted_) {
        (void)soon(server_.pid(), answered);
        clients_[during]->finish();
        (void)soon(server_.pid(), [&] { return clients_[during]->over(); });
        lifted_ = true;
        tracer_->lift();
    }
}

void ServeSession::check_client(size_t client, Invariant invariant) {
    Client &c = *clients_[client];
    bool settled = comes(
        [&] { return c.answered() || (c.over() && may_be_lost(client)); });
    // The last one may not have been accepted yet.
    bool excused = client != before && ending();
    check(settled || excused, invariant,
          "no echo for client " + std::to_string(client));
    check(c.in_order(), Invariant::echo,
          "other bytes for client " + std::to_string(client));
}

// Each holds one connection. After a suppressed close there is more to inherit.
void ServeSession::check_children() {
    if (left_out(0, "close") > 0)
        return;
    for (pid_t child : children_of(server_.pid())) {
        Descriptors held = descriptors_of(child);
        if (!held.empty()) // otherwise it is a zombie
            judge_connection(findings_, Invariant::child_descriptors, "a child",
                             held, {}, ports_);
    }
}

// As if the closes that strace has suppressed had been made.
void ServeSession::check_descriptors() {
    Descriptors held;
    auto same = [&] {
        held = descriptors_of(server_.pid());
        for (const TracedCall &call : tracer_->calls())
            if (call.injected && call.name == "close" &&
                call.pid == server_.pid())
                held.erase(std::stoi(call.arguments));
        return held == at_start_;
    };
    (void)comes(same);
    judge_descriptors(findings_, Invariant::parent_descriptors, "the server",
                      held, at_start_);
}

// After the fault, without clients.
void ServeSession::check_rest() {
    if (scenario_.fault.for_ever && !lifted_)
        return; // it may strike meanwhile
    // After reaping, the server wakes once more, to unblock SIGCHLD.
    (void)eventually([&] { return signal_mask(server_.pid(), "SigBlk") == 0; });
    judge_sleep(findings_, {{"after the fault, the server", server_.pid()}},
                Invariant::no_spin, std::chrono::milliseconds(200));
}

void ServeSession::check_totals() {
    server_.signal(SIGUSR1);
    bool printed = comes([&] {
        (void)server_.has_ended(); // reads what it prints
        return server_.output.find("served ") != std::string::npos;
    });
    check(printed || left_out(server_.pid(), "write", "1") > 0 || ending(),
          Invariant::lines, "no totals");
}

void ServeSession::let_clients_go() {
    for (auto &client : clients_) {
        client->finish();
        bool gone = comes([&] { return client->over(); });
        // The client gets no end of file for what the parent has not closed.
        check(gone || left_out(server_.pid(), "close") > 0 || ending(),
              Invariant::echo, "the server does not close");
        client->leave();
        if (struck_to_end())
            return;
    }
}

void ServeSession::go_on() {
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
    bool quiet = comes([&] { return children_of(server_.pid()).empty(); });
    check(quiet || ending(), Invariant::no_zombie, "a child is left at rest");
    if (struck_to_end())
        return;
    check_descriptors();
    check_rest();
    check_totals();
}

bool ServeSession::listener_closed() {
    if (server_.has_ended())
        return true;
    const auto &[fd, target] = *at_start_.rbegin();
    Descriptors held = descriptors_of(server_.pid());
    return !held.contains(fd) || held[fd] != target;
}

void ServeSession::drain() {
    if (!struck_to_end()) {
        add_client("late");
        check_client(late, Invariant::serves_after);
    }
    lift_if_met();
    std::vector<bool> served;
    for (auto &client : clients_)
        served.push_back(client->answered() && !client->over());
    if (!struck_to_end()) {
        asked_to_end_ = true;
        server_.signal(SIGTERM);
    }
    // Only by looking in /proc: a connection would wake a server that has lost
    // the signal.
    bool closed = comes([&] { return listener_closed(); });
    std::string listener = std::to_string(at_start_.rbegin()->first);
    bool excused = left_out(0, "close", listener) > 0;
    check((closed && !is_listening(port_)) || excused, Invariant::drain,
          "it listens while it drains");
    for (size_t i = 0; i < clients_.size(); i++) {
        clients_[i]->send("last");
        bool answered =
            !served[i] || comes([&] { return clients_[i]->answered(); });
        check(answered || may_be_lost(i), Invariant::drain,
              "client " + std::to_string(i) + " is not served in the drain");
        check(clients_[i]->in_order(), Invariant::echo,
              "other bytes in the drain");
        clients_[i]->leave();
    }
}

void ServeSession::end_without_grace() {
    asked_to_end_ = true;
    server_.signal(SIGTERM);
}

// A server whose waitpid kept failing can neither reap its children nor report
// which of them have terminated.
bool ServeSession::gave_up() {
    return server_.wait() == 1 && left_out(server_.pid(), "wait4") > 0;
}

Outcome ServeSession::judge() {
    auto ended = [&] { return server_.has_ended(); };
    for (int i = 0; i < patience && !comes(ended); i++)
        ;
    if (!ended()) {
        check(false, Invariant::drain, "it does not end");
        return outcome(server_);
    }
    check_status(server_, server_.wait(), false);
    judge_orphans(findings_, server_, "the server", 0, gave_up() ? INT_MAX : 0);
    // The last line may be the statistics that SIGUSR1 has requested.
    pid_t pid = server_.pid();
    judge_lines(findings_, "the server", server_.output, ports_,
                left_out(pid, "write", "1") + left_out(pid, "write", "2"),
                !gave_up() && !last_left_out(pid, "write", "1"));
    return outcome(server_);
}

Outcome serve_session(const Scenario &scenario) {
    ServeSession session(scenario);
    session.strike();
    session.go_on();
    session.drain();
    return session.judge();
}

Outcome grace_session(const Scenario &scenario) {
    ServeSession session(scenario);
    session.end_without_grace();
    return session.judge();
}

class StartSession : public Session {
  public:
    explicit StartSession(const Scenario &scenario)
        : Session(scenario), server_(scenario.words, start_stopped()) {
        await_stop(server_);
        attach(server_.pid());
        server_.signal(SIGCONT);
    }
    Outcome run() {
        // Even if its announcement could not be written.
        (void)eventually([&] { return server_.has_ended() || waits(); });
        bool serves = !server_.has_ended();
        if (serves && told_to_end() && tracer_->met()) {
            check(soon(server_.pid(), [&] { return server_.has_ended(); }),
                  Invariant::drain, "it has not heard SIGTERM");
        } else if (serves) {
            tracer_->lift();
            use();
        }
        if (!server_.has_ended())
            server_.signal(SIGTERM);
        int status = server_.wait();
        check(serves || scenario_.reaction != Reaction::carries_on,
              Invariant::serves_after, "it did not start: " + server_.errors);
        bool announced = server_.output.find("listening") != std::string::npos;
        check_status(server_, status, !announced);
        judge_orphans(findings_, server_, "the server", 0, 0);
        return outcome(server_);
    }

  private:
    bool waits() {
        if (process_state(server_.pid()) != "S")
            return false;
        const std::vector<TracedCall> &calls = tracer_->calls();
        return !calls.empty() && calls.back().name == "ppoll";
    }
    void use() {
        server_.signal(SIGUSR1); // for a line, even if the first one was lost
        check(server_.output_has("served 0"), Invariant::lines, "no totals");
        if (server_.output.find("listening on ") == std::string::npos) {
            check(left_out(server_.pid(), "write") > 0, Invariant::lines,
                  "no announcement");
            return;
        }
        Client client(announced_port(server_.output));
        client.send("hello");
        check(soon(server_.pid(), [&] { return client.answered(); }),
              Invariant::serves_after, "no echo after the start");
    }

    Process server_;
};

Outcome start_session(const Scenario &scenario) {
    return StartSession(scenario).run();
}
