// SPDX-License-Identifier: MIT
// audits - what must hold of a server.
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audits/audits.h"
#include "support/judge.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

using Clock = std::chrono::steady_clock;

constexpr int long_grace = 100; // longer than any audit

// ---- the server under audit -------------------------------------------------

enum class Output { file, pipe, packets };

static const char *name_of(Output kind) {
    return kind == Output::file   ? "a file"
           : kind == Output::pipe ? "a pipe"
                                  : "a packet socket";
}

// Where a server writes its lines and the test reads them.
class Sink {
  public:
    explicit Sink(Output kind) : kind_(kind) {
        if (kind == Output::file)
            ends_ = {scratch_file(), Fd()};
        else if (kind == Output::pipe)
            ends_ = make_pipe();
        else
            ends_ = make_socket_pair(SOCK_SEQPACKET);
        if (kind != Output::file)
            fcntl(ends_.read_end.get(), F_SETFL, O_NONBLOCK);
    }
    int for_server() const {
        return kind_ == Output::file ? ends_.read_end.get()
                                     : ends_.write_end.get();
    }
    // Everything so far.
    const std::string &text() {
        char buffer[65536];
        ssize_t n = 0;
        while ((n = next(buffer, sizeof buffer)) > 0) {
            pieces_.emplace_back(buffer, static_cast<size_t>(n));
            text_ += pieces_.back();
        }
        return text_;
    }
    // From a packet socket: one per write call.
    const std::vector<std::string> &pieces() const {
        return pieces_;
    }

  private:
    ssize_t next(char *buffer, size_t size) const {
        int fd = ends_.read_end.get();
        if (kind_ != Output::file)
            return read(fd, buffer, size);
        // The server's own offset does not move.
        return pread(fd, buffer, size, static_cast<off_t>(text_.size()));
    }

    Output kind_;
    Pipe ends_; // a file is the read end alone
    std::string text_;
    std::vector<std::string> pieces_;
};

static Words with_grace(Words server, int seconds) {
    server.insert(server.begin() + 1, {"-g", std::to_string(seconds)});
    return server;
}

static StartOptions writing_to(const Sink &sink) {
    StartOptions options;
    options.output = sink.for_server();
    return options;
}

struct Subject {
    explicit Subject(const Words &server, int grace = long_grace,
                     Output kind = Output::file)
        : sink(kind), process(with_grace(server, grace), writing_to(sink)),
          pid(process.pid()) {
        bool listens = eventually(
            [this] { return process.has_ended() || count("\n") > 0; });
        REQUIRE_MESSAGE((listens && !process.has_ended()), process.errors);
        port = announced_port(sink.text());
        await_sleep(pid);
    }
    int count(std::string_view text) {
        return count_of(text, sink.text());
    }
    // Whether TEXT is printed COUNT times.
    bool prints(std::string_view text, int times) {
        return comes_to_hold(pid, [&] { return count(text) >= times; });
    }

    Sink sink;
    Process process;
    pid_t pid;
    int port = 0;
};

constexpr char came[] = "new client connected... ";
constexpr char gone[] = "removed proc id: ";

// COUNT more clients, each with its line and its first echo.
static std::vector<Fd> connect_clients(Subject &subject, int count) {
    int before = subject.count(came);
    std::vector<Fd> clients;
    for (int i = 0; i < count; i++)
        clients.push_back(dial(subject.port));
    for (const Fd &client : clients)
        REQUIRE(echoes(client, "x"));
    REQUIRE(subject.prints(came, before + count));
    await_sleep(subject.pid);
    return clients;
}

// As in the server's line.
static pid_t child_of(Subject &subject, const Fd &client) {
    std::string sought = ":" + std::to_string(local_port(client)) + " (pid ";
    const std::string &text = subject.sink.text();
    size_t at = text.find(sought);
    REQUIRE(at != text.npos);
    return std::stoi(text.substr(at + sought.size()));
}

static std::string totals(int served) {
    return "served " + std::to_string(served) +
           ", live 0, refused 0, fork failures 0, lines lost 0";
}

static void judge_orderly_end(Findings &findings, Subject &subject,
                              int served) {
    judge_end(findings, subject.process, 0);
    judge_errors(findings, subject.process);
    if (findings.empty() &&
        !subject.sink.text().ends_with(totals(served) + "\n"))
        add_finding(findings, Invariant::lines,
                    "its last line is not '" + totals(served) + "'");
}

// ---- descriptors ------------------------------------------------------------

static void judge_child(Findings &findings, Subject &subject,
                        const Fd &client) {
    pid_t pid = child_of(subject, client);
    std::string who = "child " + std::to_string(pid);
    judge_connection(findings, Invariant::child_descriptors, who,
                     descriptors_of(pid), {}, {local_port(client)});
    for (pid_t grandchild : children_of(pid))
        add_finding(findings, Invariant::child_descriptors,
                    who + " shares it with its child " +
                        std::to_string(grandchild));
}

// Before, while and after there are clients, the parent holds what it held when
// it began to listen; a child holds its client's connection and nothing else,
// and has no child.
static Findings audit_descriptors(const Words &server) {
    Findings findings;
    Subject subject(server);
    Descriptors before = descriptors_of(subject.pid);
    int output = subject.sink.for_server();
    bool given = before.size() == 4 && before[STDIN_FILENO] == "/dev/null" &&
                 before[STDOUT_FILENO] == descriptors_of(getpid())[output] &&
                 before[STDERR_FILENO].starts_with("pipe:") &&
                 before.rbegin()->second.starts_with("socket:");
    if (!given)
        add_finding(findings, Invariant::parent_descriptors,
                    "the parent begins with" + text_of(before));
    auto judge_parent = [&](const char *when) {
        judge_descriptors(findings, Invariant::parent_descriptors, when,
                          descriptors_of(subject.pid), before);
    };
    std::vector<Fd> clients = connect_clients(subject, 3);
    judge_parent("with clients, the parent");
    clients.erase(clients.begin());
    REQUIRE(subject.prints(gone, 1));
    for (Fd &client : connect_clients(subject, 2))
        clients.push_back(std::move(client));
    judge_parent("after one has gone, the parent");
    for (const Fd &client : clients)
        judge_child(findings, subject, client);
    clients.clear();
    REQUIRE(subject.prints(gone, 5));
    await_sleep(subject.pid);
    judge_parent("without clients, the parent");
    return findings;
}

// ---- children that terminate at the same time -------------------------------

// All of them terminate before the parent can reap one.
static void leave_at_once(const Subject &subject, std::vector<Fd> &clients) {
    subject.process.signal(SIGSTOP);
    REQUIRE(eventually([&] { return process_state(subject.pid) == "T"; }));
    std::vector<pid_t> children = children_of(subject.pid);
    CHECK(children.size() == clients.size());
    clients.clear();
    for (pid_t child : children)
        REQUIRE(eventually([child] { return process_state(child) == "Z"; }));
    subject.process.signal(SIGCONT);
}

// CLIENTS disconnect at once, and their children terminate before one is
// reaped: no zombie, a line for each, correct statistics, no process left.
static Findings audit_storm(const Words &server, int clients) {
    Findings findings;
    Subject subject(server);
    std::vector<Fd> connections = connect_clients(subject, clients);
    leave_at_once(subject, connections);
    if (!comes_to_hold(subject.pid,
                       [&] { return children_of(subject.pid).empty(); })) {
        // Their lines and the statistics are then wrong as well.
        add_finding(findings, Invariant::no_zombie,
                    std::to_string(children_of(subject.pid).size()) + " of " +
                        std::to_string(clients) + " children stay zombies");
        return findings;
    }
    await_sleep(subject.pid);
    int lines = subject.count(gone);
    if (lines != clients || subject.count(came) != clients)
        add_finding(findings, Invariant::lines,
                    std::to_string(lines) + " lines of removal for " +
                        std::to_string(clients) + " clients");
    subject.process.signal(SIGUSR1);
    if (!subject.prints(totals(clients), 1))
        add_finding(findings, Invariant::lines, "SIGUSR1 prints other totals");
    connect_clients(subject, 1).clear();
    subject.process.signal(SIGTERM);
    judge_orderly_end(findings, subject, clients + 1);
    return findings;
}

// With 500 and more, mpaudit does it.
static Findings audit_storms(const Words &server) {
    Findings findings = audit_storm(server, 2);
    return findings.empty() ? audit_storm(server, 50) : findings;
}

// ---- signals, and sleep -----------------------------------------------------

static Findings audit_signals(const Words &server) {
    Findings findings;
    Subject subject(server);
    std::vector<Fd> clients = connect_clients(subject, 1);
    pid_t child = child_of(subject, clients[0]);
    await_sleep(child);
    // The parent blocks its signals except while it sleeps, when they are
    // looked at. (After reaping it may still defer SIGCHLD for a moment.)
    (void)eventually([&] { return signal_mask(subject.pid, "SigBlk") == 0; });
    const std::vector<int> ignored = {SIGPIPE, SIGXFSZ, SIGTTOU};
    const std::vector<int> caught = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    judge_signals(findings, "the parent", subject.pid, {caught, ignored, {}});
    // A signal to the group or to every process must not terminate the child.
    std::vector<int> blocked = caught;
    blocked.push_back(SIGQUIT);
    judge_signals(findings, "the child", child, {caught, ignored, blocked});
    return findings;
}

// Neither the parent nor an idle client's child wakes up without cause.
static Findings audit_idle(const Words &server) {
    Findings findings;
    Subject subject(server);
    std::vector<Fd> clients = connect_clients(subject, 1);
    pid_t child = child_of(subject, clients[0]);
    await_sleep(child);
    judge_sleep(findings, {{"the parent", subject.pid}, {"the child", child}});
    return findings;
}

// ---- the drain --------------------------------------------------------------

static bool is_pending(pid_t pid, int signo) {
    unsigned long long mask =
        signal_mask(pid, "SigPnd") | signal_mask(pid, "ShdPnd");
    return (mask >> (signo - 1) & 1) != 0;
}

// Sends SIGTERM and waits until the parent has reacted and sleeps again.
// Returns false if it has terminated.
static bool begin_drain(Subject &subject) {
    subject.process.signal(SIGTERM);
    REQUIRE(eventually([&] {
        // In this order: only once the handler has run does sleep count.
        return subject.process.has_ended() ||
               (!is_pending(subject.pid, SIGTERM) &&
                process_state(subject.pid) == "S");
    }));
    return !subject.process.has_ended();
}

// Like echoes(), for a client whose connection may be lost.
static bool still_echoes(const Fd &client) {
    char byte = 'y';
    return send(client.get(), &byte, 1, MSG_NOSIGNAL) == 1 &&
           recv(client.get(), &byte, 1, 0) == 1 && byte == 'y';
}

static Findings audit_orderly_drain(const Words &server) {
    Findings findings;
    Subject subject(server);
    std::vector<Fd> clients = connect_clients(subject, 2);
    if (!begin_drain(subject)) {
        add_finding(findings, Invariant::drain, "it ends while it has clients");
        return findings;
    }
    if (is_listening(subject.port))
        add_finding(findings, Invariant::drain,
                    "somebody listens after SIGTERM");
    for (const Fd &client : clients)
        if (!still_echoes(client))
            add_finding(findings, Invariant::drain,
                        "a client is lost before the grace is over");
    clients.clear();
    judge_orderly_end(findings, subject, 2);
    return findings;
}

// Two idle clients; the child of one is stopped.
static Findings audit_end_of_grace(const Words &server) {
    Findings findings;
    Subject subject(server, 1);
    std::vector<Fd> clients = connect_clients(subject, 2);
    pid_t stopped = child_of(subject, clients[0]);
    REQUIRE(kill(stopped, SIGSTOP) == 0);
    REQUIRE(eventually([&] { return process_state(stopped) == "T"; }));
    Clock::time_point start = Clock::now();
    subject.process.signal(SIGTERM);
    judge_orderly_end(findings, subject, 2);
    if (Clock::now() - start < std::chrono::seconds(1))
        add_finding(findings, Invariant::drain, "the grace is cut short");
    return findings;
}

// After SIGTERM: no listener; clients finish, or are disconnected after the
// grace period; every child is reaped; exit status 0.
static Findings audit_drain(const Words &server) {
    Findings findings = audit_orderly_drain(server);
    return findings.empty() ? audit_end_of_grace(server) : findings;
}

// ---- lines ------------------------------------------------------------------

static void judge_pieces(Findings &findings, Subject &subject) {
    for (const std::string &piece : subject.sink.pieces())
        if (count_of("\n", piece) != 1 || !piece.ends_with('\n'))
            add_finding(findings, Invariant::lines,
                        "not one line in one write: '" + piece + "'");
}

// A child that stops and continues has not terminated.
static void stop_and_continue(pid_t child) {
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE(eventually([child] { return process_state(child) == "T"; }));
    REQUIRE(kill(child, SIGCONT) == 0);
}

static Findings audit_lines_to(const Words &server, Output kind) {
    Findings findings;
    Subject subject(server, long_grace, kind);
    std::vector<Fd> clients = connect_clients(subject, 5);
    std::set<int> ports;
    for (const Fd &client : clients)
        ports.insert(local_port(client));
    stop_and_continue(child_of(subject, clients[0]));
    CHECK(echoes(clients[0], "it goes on"));
    clients.clear();
    (void)subject.prints(gone, 5); // judge_lines() says what is missing
    subject.process.signal(SIGTERM);
    judge_orderly_end(findings, subject, 5);
    std::string where = std::string("to ") + name_of(kind);
    judge_lines(findings, where, subject.sink.text(), ports, 0, true);
    int orderly = subject.count(" (client disconnected)\n");
    if (orderly != 5 || subject.count("\n") != 12)
        add_finding(findings, Invariant::lines,
                    where + " not 12 lines, 5 of orderly ends");
    if (kind == Output::packets)
        judge_pieces(findings, subject);
    return findings;
}

// To a file, a pipe, and a socket that keeps writes apart: whole lines, one
// when a client connects and one when it disconnects, none when a child only
// stops.
static Findings audit_lines(const Words &server) {
    Findings findings;
    for (Output kind : {Output::file, Output::pipe, Output::packets})
        add_findings(findings, audit_lines_to(server, kind));
    return findings;
}

// ---- bytes ------------------------------------------------------------------

// Sends until both directions are full and CHILD blocks in its write.
static std::string fill(const Fd &client, pid_t child) {
    std::string sent;
    REQUIRE(eventually([&] {
        std::string more = send_what_fits(client);
        sent += more;
        return more.empty() && process_state(child) == "S";
    }));
    return sent;
}

// A child blocks in a write that is partly done: stopping and continuing it
// makes that a short write. A write of which nothing is done yet restarts;
// hence several rounds, between which the client reads much.
static Findings audit_echo(const Words &server) {
    Findings findings;
    Subject subject(server);
    std::vector<Fd> clients = connect_clients(subject, 1);
    pid_t child = child_of(subject, clients[0]);
    std::string sent;
    std::string back;
    for (int i = 0; i < 10; i++) {
        sent += fill(clients[0], child);
        stop_and_continue(child);
        back += receive(clients[0], sent.size() / 2 - back.size() / 2);
    }
    finish_sending(clients[0]);
    back += receive_to_end(clients[0]);
    if (back != sent)
        add_finding(findings, Invariant::echo,
                    "of " + std::to_string(sent.size()) + " bytes " +
                        std::to_string(back.size()) + " came back");
    return findings;
}

// ---- the audits -------------------------------------------------------------

static Audit of_server(const char *claim, Findings (*judge)(const Words &),
                       const std::vector<Control> &controls) {
    auto judge_one = [judge](const std::string &mistake) {
        // A mistake may be a call that the sandbox forbids.
        return judge(mistake.empty() ? server_command({"-c", "2000", "0"})
                                     : Words{test_program(mistake), "-S", "-c",
                                             "2000", "0"});
    };
    return {claim, judge_one, controls};
}

using enum Invariant;

const std::vector<Audit> server_audits = {
    of_server("parent and child hold what is theirs and nothing else",
              audit_descriptors,
              {{"parent-keeps-the-client", {parent_descriptors}},
               {"child-keeps-the-listener", {child_descriptors}},
               {"child-keeps-standard-output", {child_descriptors}},
               {"child-forks", {child_descriptors}}}),
    of_server("however many children end at once, none stays a zombie",
              audit_storms,
              {{"one-child-a-signal", {no_zombie}},
               {"zombie-left", {no_zombie}},
               {"removed-twice", {lines}}}),
    of_server("parent and child catch, ignore and block what they should",
              audit_signals,
              {{"child-takes-sigint", {dispositions}},
               {"child-lets-all-signals-in", {dispositions}},
               {"sigpipe-ends-the-server", {dispositions}}}),
    of_server("parent and child sleep while there is nothing to do", audit_idle,
              {{"wakes-when-idle", {idle}}, {"child-wakes-when-idle", {idle}}}),
    of_server("a drain lets the clients finish, and loses no process",
              audit_drain,
              {{"child-keeps-the-listener", {drain}},
               {"listener-kept-in-the-drain", {drain}},
               {"drain-leaves-children", {drain}},
               {"no-grace", {drain}},
               {"wrong-status-of-the-server", {exit_status}}}),
    of_server("each line is whole, one write, and one for each client",
              audit_lines,
              {{"removed-twice", {lines}},
               {"line-in-pieces", {lines}},
               {"forked-buffer", {lines}}}),
    of_server("no byte is lost where a write is cut short", audit_echo,
              {{"short-write-dropped", {echo}}}),
};
