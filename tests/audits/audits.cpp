// SPDX-License-Identifier: MIT
// audits - what only this server must satisfy; mpaudit checks what any server
// must.
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

// ---- processes --------------------------------------------------------------

static std::vector<Fd> connect_clients(int port, int count) {
    std::vector<Fd> clients;
    for (int i = 0; i < count; i++) {
        clients.push_back(dial(port));
        REQUIRE(echoes(clients.back(), "x"));
    }
    return clients;
}

static std::set<int> ports_of(const std::vector<Fd> &clients) {
    std::set<int> ports;
    for (const Fd &client : clients)
        ports.insert(local_port(client));
    return ports;
}

static const std::vector<int> ignored = {SIGPIPE, SIGXFSZ, SIGTTOU};
static const std::vector<int> caught = {SIGCHLD, SIGTERM, SIGINT, SIGHUP,
                                        SIGUSR1};
// A signal to the group or to every process must not terminate a child.
static const std::vector<int> blocked_by_child = {SIGCHLD, SIGTERM, SIGINT,
                                                  SIGHUP,  SIGUSR1, SIGQUIT};

static void judge_child(Findings &findings, pid_t pid,
                        const std::set<int> &ports) {
    await_sleep(pid);
    judge_connection(findings, Invariant::child_descriptors, "a child",
                     descriptors_of(pid), {}, ports);
    judge_signals(findings, "a child", pid,
                  {caught, ignored, blocked_by_child});
    for (pid_t grandchild : children_of(pid))
        add_finding(findings, Invariant::child_descriptors,
                    "a child shares it with its child " +
                        std::to_string(grandchild));
}

// While there are clients and afterwards, the parent holds what it held when it
// began to listen; a child holds its client's connection and nothing else, and
// has no child. Both sleep, and catch, ignore and block what they should.
static Findings audit_processes(const Words &server) {
    Findings findings;
    Process process(server);
    REQUIRE_MESSAGE(process.output_has("\n"), process.errors);
    int port = announced_port(process.output);
    pid_t pid = process.pid();
    await_sleep(pid);
    Descriptors before = descriptors_of(pid);
    if (before.size() != 4 || !before.rbegin()->second.starts_with("socket:"))
        add_finding(findings, Invariant::parent_descriptors,
                    "the parent begins with" + text_of(before));
    std::vector<Fd> clients = connect_clients(port, 3);
    clients.erase(clients.begin());
    REQUIRE(process.output_has("removed proc id: "));
    // The parent blocks its signals except while it sleeps, when they are
    // looked at. (After reaping it may still defer SIGCHLD for a moment.)
    (void)eventually([&] { return signal_mask(pid, "SigBlk") == 0; });
    await_sleep(pid);
    judge_descriptors(findings, Invariant::parent_descriptors,
                      "with clients, the parent", descriptors_of(pid), before);
    judge_signals(findings, "the parent", pid, {caught, ignored, {}});
    std::vector<Sleeper> sleepers = {{"the parent", pid}};
    for (pid_t child : children_of(pid)) {
        judge_child(findings, child, ports_of(clients));
        sleepers.push_back({"a child", child});
    }
    judge_sleep(findings, sleepers);
    clients.clear();
    REQUIRE(process.output_has("removed proc id: ", 3));
    await_sleep(pid);
    judge_descriptors(findings, Invariant::parent_descriptors,
                      "without clients, the parent", descriptors_of(pid),
                      before);
    return findings;
}

// ---- lines ------------------------------------------------------------------

// What a server writes into a packet socket, which keeps its writes apart.
// test-log covers the other kinds of output.
class Log {
  public:
    Log() {
        fcntl(ends_.read_end.get(), F_SETFL, O_NONBLOCK);
    }
    StartOptions start() const {
        return {.output = ends_.write_end.get()};
    }
    // Everything so far.
    const std::string &text() {
        char buffer[65536];
        ssize_t n = 0;
        while ((n = read(ends_.read_end.get(), buffer, sizeof buffer)) > 0) {
            pieces.emplace_back(buffer, static_cast<size_t>(n));
            text_ += pieces.back();
        }
        return text_;
    }
    bool has(std::string_view words, int times) {
        return eventually([&] { return count_of(words, text()) >= times; });
    }

    std::vector<std::string> pieces; // one for each write

  private:
    Pipe ends_ = make_socket_pair(SOCK_SEQPACKET);
    std::string text_;
};

// All children terminate before PARENT can reap one. The first only stops
// before, and continues: that is no end.
static void leave_at_once(pid_t parent, std::vector<Fd> &clients) {
    std::vector<pid_t> children = children_of(parent);
    REQUIRE(children.size() == clients.size());
    REQUIRE(kill(children[0], SIGSTOP) == 0);
    REQUIRE(eventually([&] { return process_state(children[0]) == "T"; }));
    REQUIRE(kill(children[0], SIGCONT) == 0);
    for (const Fd &client : clients)
        CHECK(echoes(client, "it goes on"));
    REQUIRE(kill(parent, SIGSTOP) == 0);
    REQUIRE(eventually([&] { return process_state(parent) == "T"; }));
    clients.clear();
    for (pid_t child : children)
        REQUIRE(eventually([child] { return process_state(child) == "Z"; }));
    REQUIRE(kill(parent, SIGCONT) == 0);
}

static std::string totals(int served) {
    return "served " + std::to_string(served) +
           ", live 0, refused 0, fork failures 0, lines lost 0\n";
}

constexpr int many = 50; // clients

// Whole lines, one when a client connects and one when it disconnects, however
// many leave at once; totals on request and at the end.
static Findings audit_lines(const Words &server) {
    Findings findings;
    Log log;
    Process process(server, log.start());
    REQUIRE_MESSAGE(log.has("\n", 1), process.errors);
    int port = announced_port(log.text());
    std::vector<Fd> clients = connect_clients(port, many);
    std::set<int> ports = ports_of(clients);
    REQUIRE(log.has("new client connected... ", many));
    leave_at_once(process.pid(), clients);
    // judge_lines() says what is missing.
    (void)comes_to_hold(process.pid(), [&] {
        return count_of(" (client disconnected)\n", log.text()) >= many;
    });
    process.signal(SIGUSR1);
    (void)comes_to_hold(process.pid(),
                        [&] { return log.text().ends_with(totals(many)); });
    process.signal(SIGTERM);
    judge_end(findings, process, 0);
    judge_errors(findings, process);
    judge_lines(findings, "the server", log.text(), ports, 0, true);
    if (!log.text().ends_with(totals(many) + totals(many)) ||
        count_of("\n", log.text()) != 1 + 2 * many + 2 ||
        count_of(" (client disconnected)\n", log.text()) != many)
        add_finding(findings, Invariant::lines, "other lines: " + log.text());
    for (const std::string &piece : log.pieces)
        if (count_of("\n", piece) != 1 || !piece.ends_with('\n'))
            add_finding(findings, Invariant::lines,
                        "not one line in one write: '" + piece + "'");
    return findings;
}

// ---- the audits -------------------------------------------------------------

static Audit of_server(const char *claim, Findings (*judge)(const Words &),
                       const std::vector<Control> &controls) {
    auto judge_one = [judge](const std::string &mistake) {
        // A mistake may be a call that the sandbox forbids.
        return judge(mistake.empty() ? server_command({"0"})
                                     : Words{test_program(mistake), "-S", "0"});
    };
    return {claim, judge_one, controls};
}

using enum Invariant;

const std::vector<Audit> server_audits = {
    of_server("parent and child hold and catch what is theirs, and sleep",
              audit_processes,
              {{"parent-keeps-the-client", {parent_descriptors}},
               {"child-keeps-the-listener", {child_descriptors}},
               {"child-keeps-standard-output", {child_descriptors}},
               {"child-forks", {child_descriptors}},
               {"child-lets-all-signals-in", {dispositions}},
               {"sigpipe-ends-the-server", {dispositions}},
               {"wakes-when-idle", {idle}},
               {"child-wakes-when-idle", {idle}}}),
    of_server("each line is whole, one write, and one for each client",
              audit_lines,
              {{"removed-twice", {lines}},
               {"line-in-pieces", {lines}},
               {"forked-buffer", {lines}},
               {"wrong-status-of-the-server", {exit_status}}}),
};
