// SPDX-License-Identifier: MIT
// sessions - what the programs go through while a fault strikes them.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>

#include "sessions.h"

// What I4 and I1 allow, and as long as I5 looks. In naps of this process: where
// the machine stands still, so does the count.
constexpr int naps_in_a_second = 200;
// How many of them an end may take: waitpid may have to be given up first.
constexpr int patience = 8;

static void nap() {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

static bool soon(const std::function<bool()> &condition) {
    for (int i = 0; i < naps_in_a_second; i++) {
        if (condition())
            return true;
        nap();
    }
    return condition();
}

// ---- what every session has ------------------------------------------------

class Session {
  public:
    explicit Session(const Scenario &scenario) : scenario_(scenario) {
    }

  protected:
    void check(bool good, Invariant invariant, const std::string &what) {
        if (!good)
            findings_.push_back({invariant, what});
    }
    bool fault_is(const char *call) const {
        return scenario_.fault.call == call;
    }
    bool fault_is_signal() const {
        return scenario_.fault.effect.starts_with("signal=");
    }
    void attach(pid_t pid) {
        bool follow = scenario_.target == Target::family;
        tracer_.emplace(pid, scenario_.fault, follow);
    }
    Outcome outcome(const Process &process) {
        tracer_->lift();
        check_handlers();
        return {findings_, tracer_->met(), process.pid(), tracer_->calls()};
    }
    // Nobody is left; nor, if STRICT, had anybody but the parent to reap.
    void check_orphans(const Process &process, bool strict) {
        if (!soon([&] { return group_has_ended(process.pid()); })) {
            check(false, Invariant::no_zombie, "a process was left behind");
            kill(-process.pid(), SIGKILL);
        }
        int orphans = orphans_left_by(process.pid());
        // Whoever cannot wait cannot reap.
        bool could_reap = !fault_is("wait4") && !fault_is("waitid");
        check(orphans <= scenario_.leaves || !could_reap || !strict,
              Invariant::no_zombie,
              std::to_string(orphans) + " left for others to reap");
    }
    void check_message(Process &process) {
        (void)process.errors_have(scenario_.says);
        // What it says is a write, too.
        bool told = process.errors.find(": ") != std::string::npos &&
                    process.errors.find(scenario_.says) != std::string::npos;
        check(told || fault_is("write"), Invariant::exit_status,
              "no message of '" + scenario_.says + "': " + process.errors);
    }
    void check_status(Process &process, int status) {
        int by_signal = 128 + SIGTERM;
        bool may_succeed = scenario_.reaction != Reaction::stops;
        bool may_fail = scenario_.reaction == Reaction::stops ||
                        scenario_.reaction == Reaction::ends;
        bool may_die = scenario_.reaction == Reaction::drains;
        check((status == 0 && (may_succeed || !tracer_->met())) ||
                  (status == 1 && may_fail) || (status == by_signal && may_die),
              Invariant::exit_status,
              "status " + std::to_string(status) + " " + process.errors);
        if (status == 1)
            check_message(process);
    }

    const Scenario &scenario_;
    Findings findings_;
    std::optional<Tracer> tracer_;

  private:
    // A handler that only sets a flag returns before any call. Not so the
    // client's for SIGTERM, which ends it.
    void check_handlers() {
        bool ends_writer = scenario_.words[0].ends_with("echo_mpclient") &&
                           scenario_.fault.effect == "signal=SIGTERM";
        for (const TracedCall &call : tracer_->calls())
            check(call.name != "rt_sigreturn" || call.signalled || ends_writer,
                  Invariant::dispositions, "a handler makes a system call");
    }
    // Apart from zombies that have come to the test.
    static bool group_has_ended(pid_t pid) {
        for (pid_t other : members_of_group(pid))
            if (process_state(other) != "Z")
                return false;
        return true;
    }
};

// Stopped before its first call, so that a tracer can be there in time.
static StartOptions start_stopped() {
    StartOptions start;
    start.in_child = [] { raise(SIGSTOP); };
    return start;
}

static void await_stop(const Process &process) {
    (void)eventually([&] { return process_state(process.pid()) == "T"; });
}

// ---- the server ------------------------------------------------------------

// A client that waits for nothing.
class Client {
  public:
    explicit Client(int port) {
        over_ = try_to_dial(port, AF_INET, &fd_) != 0;
    }
    void send(std::string_view bytes) {
        sent_ += bytes;
        (void)::send(fd_.get(), bytes.data(), bytes.size(),
                     MSG_NOSIGNAL | MSG_DONTWAIT); // what comes back tells
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
    bool child_may_end() const;
    bool comes(const std::function<bool()> &condition);
    void check_client(Client &client, Invariant invariant, const char *name);
    void watch_for_spin();
    void lift_if_met();
    void check_descriptors();
    void check_lines();
    void check_totals(size_t served);

    Process server_;
    int port_ = 0;
    std::map<int, std::string> at_start_;
    std::vector<std::unique_ptr<Client>> clients_;
    bool asked_to_end_ = false;
    bool lifted_ = false;
};

ServeSession::ServeSession(const Scenario &scenario)
    : Session(scenario), server_(scenario.words) {
    if (!server_.output_has("\n"))
        throw std::runtime_error("it does not listen: " + server_.errors);
    port_ = announced_port(server_.output);
    at_start_ = descriptors_of(server_.pid());
    clients_.push_back(std::make_unique<Client>(port_));
    clients_[0]->send("before");
    check(eventually([&] { return clients_[0]->answered(); }), Invariant::echo,
          "no echo before the fault");
    (void)server_.output_has("new client"); // and the child is at work
    attach(scenario.target == Target::child ? children_of(server_.pid()).front()
                                            : server_.pid());
}

// It has been told to end, or has met what it must end by.
bool ServeSession::ending() const {
    bool by_fault = scenario_.reaction == Reaction::drains ||
                    scenario_.reaction == Reaction::stops;
    return asked_to_end_ || (by_fault && tracer_->met_by(server_.pid()));
}

bool ServeSession::child_may_end() const {
    return scenario_.reaction == Reaction::loses_child ||
           (fault_is_signal() && scenario_.target == Target::family);
}

// Fewer than 50 calls and 5 clock ticks a second while the fault lasts.
void ServeSession::watch_for_spin() {
    auto ticks = [&] {
        long sum = ticks_of(server_.pid());
        for (pid_t child : children_of(server_.pid()))
            sum += ticks_of(child);
        return sum;
    };
    if (server_.has_ended())
        return;
    size_t calls_before = tracer_->calls().size();
    long ticks_before = ticks();
    for (int i = 0; i < naps_in_a_second; i++)
        nap();
    if (server_.has_ended())
        return;
    size_t calls = tracer_->calls().size() - calls_before;
    long used = ticks() - ticks_before;
    check(calls < 50 && used < 5, Invariant::no_spin,
          std::to_string(calls) + " calls and " + std::to_string(used) +
              " ticks in a second");
}

// A fault that has struck for good is watched, and lifted.
void ServeSession::lift_if_met() {
    if (lifted_ || !scenario_.fault.for_ever || !tracer_->met())
        return;
    lifted_ = true;
    watch_for_spin();
    tracer_->lift();
    if (!scenario_.says.empty())
        check_message(server_);
}

// Within a second, or within one of the time that the fault is over.
bool ServeSession::comes(const std::function<bool()> &condition) {
    if (soon(condition))
        return true;
    lift_if_met();
    return soon(condition);
}

void ServeSession::strike() {
    clients_.push_back(std::make_unique<Client>(port_));
    clients_[1]->send("during");
    clients_[0]->send("more");
    auto answered = [&] {
        return clients_[0]->answered() && clients_[1]->answered();
    };
    if (scenario_.fault.for_ever)
        (void)soon(answered);
    lift_if_met();
}

void ServeSession::check_client(Client &client, Invariant invariant,
                                const char *name) {
    auto settled = [&] {
        return client.answered() ||
               (client.over() && (child_may_end() || ending()));
    };
    // A client that nobody had taken yet is not an ending server's.
    check(comes(settled) || ending(), invariant,
          std::string("no echo for the client ") + name);
    check(client.in_order(), Invariant::echo,
          std::string("other bytes for the client ") + name);
}

// What parent and children hold by now, as if the closes that strace has left
// out had been made.
void ServeSession::check_descriptors() {
    std::map<int, std::string> expected = at_start_;
    for (const TracedCall &call : tracer_->calls())
        if (call.injected && call.name == "close" && call.pid == server_.pid())
            expected[std::stoi(call.arguments)] = "";
    std::map<int, std::string> held;
    auto same = [&] {
        held = descriptors_of(server_.pid());
        for (auto &[fd, target] : expected)
            if (target.empty() && held.contains(fd))
                target = held[fd];
        return held == expected;
    };
    std::string text;
    if (!comes(same))
        for (const auto &[fd, target] : held)
            text += " " + std::to_string(fd) + "=" + target;
    check(text.empty(), Invariant::parent_descriptors,
          "the server holds" + text);
}

void ServeSession::go_on() {
    check_client(*clients_[0], Invariant::echo, "before");
    check_client(*clients_[1], Invariant::serves_after, "during");
    if (ending())
        return;
    clients_.push_back(std::make_unique<Client>(port_));
    clients_[2]->send("after");
    check_client(*clients_[2], Invariant::serves_after, "after");
    for (auto &client : clients_) {
        client->finish();
        bool gone = comes([&] { return client->over(); }) || ending();
        // Where its last close was left out, there is no end for it to see.
        check(gone || fault_is("close"), Invariant::echo,
              "the server does not close");
        client->leave();
    }
    lift_if_met();
    auto quiet = [&] { return children_of(server_.pid()).empty(); };
    check(comes(quiet) || ending(), Invariant::no_zombie,
          "a child is left at rest");
    if (ending() || server_.has_ended())
        return;
    check_descriptors();
    server_.signal(SIGUSR1);
    if (!fault_is("write"))
        check(server_.output_has("served "), Invariant::lines, "no totals");
}

void ServeSession::drain() {
    if (!ending()) {
        clients_.push_back(std::make_unique<Client>(port_));
        clients_.back()->send("late");
        check_client(*clients_.back(), Invariant::serves_after, "late");
    }
    lift_if_met();
    if (!ending() && !server_.has_ended()) {
        asked_to_end_ = true;
        server_.signal(SIGTERM);
    }
    bool closed = comes([&] { return !is_listening(port_); });
    check(closed || fault_is("close"), Invariant::drain,
          "it listens while it drains");
    for (auto &client : clients_)
        client->send("late");
    (void)comes([&] {
        return std::ranges::all_of(clients_, [](auto &client) {
            return client->over() || client->answered();
        });
    });
    for (auto &client : clients_) {
        check(client->in_order(), Invariant::echo, "other bytes in the drain");
        client->leave();
    }
}

void ServeSession::end_without_grace() {
    asked_to_end_ = true;
    server_.signal(SIGTERM);
}

void ServeSession::check_totals(size_t served) {
    std::string expected = "served " + std::to_string(served) +
                           ", live 0, refused 0, fork failures [0-9]+, lines "
                           "lost 0";
    std::string last = lines_of(server_.output).back();
    check(matches(last, expected), Invariant::lines, "the totals: " + last);
}

// One line for each client that came and for each that went, and nothing but
// whole lines.
void ServeSession::check_lines() {
    std::vector<std::string> came;
    std::vector<std::string> went;
    for (const std::string &line : lines_of(server_.output)) {
        size_t pid = line.find("(pid ");
        if (matches(line, "new client connected\\.\\.\\. [][0-9.:a-f]+ "
                          "\\(pid [0-9]+\\)"))
            came.push_back(line.substr(pid + 5, line.size() - pid - 6));
        else if (matches(line, "removed proc id: [1-9][0-9]* \\([a-z0-9 ]+\\)"))
            went.push_back(line.substr(17, line.find(' ', 17) - 17));
        else
            check(matches(line, "(listening on|served [0-9]+,) .*"),
                  Invariant::lines, "not a whole line: " + line);
    }
    if (fault_is("write"))
        return; // some are lost, and counted
    std::ranges::sort(came);
    std::ranges::sort(went);
    bool once = std::ranges::adjacent_find(came) == came.end();
    // Whoever cannot wait cannot tell who went.
    bool could_reap = server_.wait() == 0 || !fault_is("wait4");
    check((came == went && once) || !could_reap, Invariant::lines,
          "not one line each: " + server_.output);
    if (could_reap)
        check_totals(came.size());
}

Outcome ServeSession::judge() {
    auto ended = [&] { return server_.has_ended(); };
    for (int i = 0; i < patience && !comes(ended); i++)
        ;
    if (!ended()) {
        check(false, Invariant::drain, "it does not end");
        return outcome(server_);
    }
    check_status(server_, server_.wait());
    check_orphans(server_, true);
    check_lines();
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
        // Also where its announcement could not be written.
        (void)eventually([&] { return server_.has_ended() || waits(); });
        bool serves = !server_.has_ended();
        tracer_->lift();
        if (serves) {
            use();
            server_.signal(SIGTERM);
        }
        int status = server_.wait();
        check(serves || scenario_.reaction != Reaction::carries_on,
              Invariant::serves_after, "it did not start: " + server_.errors);
        check(!serves || status == 0, Invariant::exit_status,
              "status " + std::to_string(status) + " after a drain");
        check_status(server_, status);
        check_orphans(server_, true);
        return outcome(server_);
    }

  private:
    bool waits() {
        std::vector<TracedCall> calls = tracer_->calls();
        return !calls.empty() && calls.back().name == "ppoll" &&
               process_state(server_.pid()) == "S";
    }
    void use() {
        (void)server_.output_has("", 0);
        server_.signal(SIGUSR1); // for its line, whatever became of the first
        check(server_.output_has("served 0"), Invariant::lines, "no totals");
        if (server_.output.find("listening on ") == std::string::npos) {
            check(fault_is("write"), Invariant::lines, "no announcement");
            return;
        }
        Client client(announced_port(server_.output));
        client.send("hello");
        check(soon([&] { return client.answered(); }), Invariant::serves_after,
              "no echo after the start");
    }

    Process server_;
};

Outcome start_session(const Scenario &scenario) {
    return StartSession(scenario).run();
}

// ---- the client and the demonstrations -------------------------------------

class ProgramSession : public Session {
  public:
    ProgramSession(const Scenario &scenario, StartOptions start)
        : Session(scenario), process_(scenario.words, start) {
        await_stop(process_);
        if (scenario.target == Target::child)
            return;
        attach(process_.pid());
        process_.signal(SIGCONT);
    }
    // The child's tracer comes when the child is there, and at rest.
    void attach_to_child() {
        if (scenario_.target != Target::child)
            return;
        process_.signal(SIGCONT);
        auto rests = [&] {
            std::vector<pid_t> children = children_of(process_.pid());
            return !children.empty() && process_state(children[0]) == "S";
        };
        (void)eventually(rests);
        attach(children_of(process_.pid()).front());
    }
    Outcome judge(const std::string &shown) {
        int status = process_.wait();
        check_status(process_, status);
        check(status != 0 || matches(process_.output, shown), Invariant::echo,
              "success, and this output: " + process_.output);
        // A demonstration that fails leaves its children to init(1).
        check_orphans(process_, status == 0 || scenario_.shows.empty());
        return outcome(process_);
    }

    bool has_ended() {
        return process_.has_ended();
    }

  private:
    Process process_;
};

Outcome show_session(const Scenario &scenario) {
    ProgramSession session(scenario, start_stopped());
    return session.judge(scenario.shows);
}

static Scenario with_port(const Scenario &scenario, int port) {
    Scenario full = scenario;
    full.words.push_back("127.0.0.1");
    full.words.push_back(std::to_string(port));
    return full;
}

Outcome talk_session(const Scenario &scenario) {
    Server server({"-q"});
    Pipe keyboard = make_socket_pair();
    StartOptions start = start_stopped();
    start.input = keyboard.read_end.get();
    Scenario full = with_port(scenario, server.port);
    ProgramSession session(full, start);
    session.attach_to_child();
    send_all(keyboard.write_end, "one\ntwo\nq\n");
    return session.judge("Message from server: one\n"
                         "Message from server: two\n");
}

// Takes the client's connection, echoes its first SIZE bytes, or as many as it
// sends, and closes.
static void echo_and_end(const Fd &listener, size_t size,
                         const std::function<bool()> &client_ended) {
    fcntl(listener.get(), F_SETFL, O_NONBLOCK);
    Fd end;
    std::string bytes(size, '\0');
    size_t filled = 0;
    (void)eventually([&] {
        if (end.get() == -1)
            end = Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ssize_t n =
            recv(end.get(), bytes.data() + filled, size - filled, MSG_DONTWAIT);
        filled += n > 0 ? static_cast<size_t>(n) : 0;
        return filled == size || n == 0 || client_ended();
    });
    (void)send(end.get(), bytes.data(), filled, MSG_NOSIGNAL);
}

Outcome cut_off_session(const Scenario &scenario) {
    int port = 0;
    Fd listener = listen_locally(&port);
    Pipe keyboard = make_socket_pair();
    StartOptions start = start_stopped();
    start.input = keyboard.read_end.get();
    Scenario full = with_port(scenario, port);
    ProgramSession session(full, start);
    session.attach_to_child();
    send_all(keyboard.write_end, "one\n");
    echo_and_end(listener, 4, [&] { return session.has_ended(); });
    return session.judge("Message from server: one\n");
}
