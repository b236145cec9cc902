// SPDX-License-Identifier: MIT
// subject - the server under audit: its processes, its clients, what it holds.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "mpaudit/subject.h"
#include "support/sockets.h"

using Clock = std::chrono::steady_clock;

Settings settings;
volatile sig_atomic_t interrupted = 0;

static void heed_interrupt() {
    if (interrupted)
        throw Interrupted();
}

void pass(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    heed_interrupt();
}

// ---- processes --------------------------------------------------------------

static pid_t started = -1; // Process reaps it

static bool is_reaped(const Stat &member) {
    return member.parent == getpid() && member.state == 'Z' &&
           (member.pid == started ||
            waitpid(member.pid, nullptr, WNOHANG) == member.pid);
}

static Family snapshot() {
    Family all;
    for (pid_t pid : all_processes())
        if (Stat member = stat_of(pid); member.state != '\0')
            all[pid] = member;
    Family members;
    for (const auto &[pid, member] : all) {
        auto above = all.find(member.parent);
        while (above != all.end() && above->first != getpid())
            above = all.find(above->second.parent);
        if (above != all.end() && !is_reaped(member))
            members[pid] = member;
    }
    return members;
}

// A parent that was listed before its fork, and has ended before its look-up,
// hides its child.
static Family read_family() {
    Family members = snapshot();
    return members.empty() ? snapshot() : members;
}

Family family() {
    heed_interrupt();
    return read_family();
}

std::string text_of(const Stat &member) {
    return std::to_string(member.pid) + " (" + member.name + ", state " +
           member.state + ", parent " + std::to_string(member.parent) + ")";
}

std::string text_of(const Family &members) {
    std::string text;
    for (const auto &[pid, member] : members)
        text += (text.empty() ? "" : "; ") + text_of(member);
    return text.substr(0, 300);
}

Family zombies() {
    Family members = family();
    std::erase_if(members,
                  [](const auto &entry) { return entry.second.state != 'Z'; });
    return members;
}

bool lives(pid_t pid) {
    Family members = family();
    return members.contains(pid) && members[pid].state != 'Z';
}

bool send_signal(pid_t pid, int signo) {
    return family().contains(pid) && kill(pid, signo) == 0;
}

bool stop(pid_t pid) {
    return send_signal(pid, SIGSTOP) &&
           eventually([pid] { return process_state(pid) == "T"; });
}

// ---- one client -------------------------------------------------------------

Received converse(const Fd &fd, std::string_view bytes, size_t wanted,
                  double seconds, const std::string &text) {
    std::string got;
    bool finished = wanted != to_the_end;
    for (;;) {
        if (bytes.empty() && !finished) {
            (void)shutdown(fd.get(), SHUT_WR);
            finished = true;
        }
        if (bytes.empty() && got.size() >= wanted && got.find(text) != got.npos)
            return {got, enough};
        short out = bytes.empty() ? 0 : POLLOUT;
        struct pollfd ready = {fd.get(), static_cast<short>(POLLIN | out), 0};
        int n = poll(&ready, 1, static_cast<int>(seconds * 1000));
        heed_interrupt();
        if (n == 0)
            return {got, silence};
        if (ready.revents & POLLOUT) {
            ssize_t sent = send(fd.get(), bytes.data(), bytes.size(),
                                MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent > 0)
                bytes.remove_prefix(static_cast<size_t>(sent));
            else if (errno != EAGAIN && !(ready.revents & POLLIN))
                return {got, reset};
        }
        if (!(ready.revents & (POLLIN | POLLHUP | POLLERR)))
            continue;
        char buffer[65536];
        ssize_t size = recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (size > 0)
            got.append(buffer, static_cast<size_t>(size));
        if (got.size() > 2 * most_to_fill)
            return {got, flood};
        if (size == 0)
            return {got, end_of_file};
        if (size == -1 && errno != EAGAIN)
            return {got, reset};
    }
}

// ---- the start --------------------------------------------------------------

std::string Subject::errors() const {
    std::string text(300, '\0');
    off_t most = static_cast<off_t>(text.size());
    off_t size = lseek(log_.get(), 0, SEEK_END);
    ssize_t n = pread(log_.get(), text.data(), text.size(),
                      std::max<off_t>(0, size - most));
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
}

static std::vector<std::string> words_for(int port) {
    std::vector<std::string> words = settings.words;
    for (std::string &word : words)
        for (size_t at = 0; (at = word.find("{port}")) != word.npos;)
            word.replace(at, 6, std::to_string(port));
    return words;
}

Subject::Subject(Result &found, const StartOptions &options, int at_port)
    : result(found), port(at_port) {
    if (port == 0) {
        Fd holder;
        port = refusing_port(&holder);
    }
    log_ = scratch_file(); // a pipe that is not read would stop it
    StartOptions all = options;
    if (all.output == -1)
        all.output = log_.get();
    if (all.errors == -1)
        all.errors = log_.get();
    all.in_child = [&options] {
        // As a login has it: this process has raised its own for its clients.
        allow_descriptors(1024);
        if (options.in_child)
            options.in_child();
    };
    process = std::make_unique<Process>(words_for(port), all);
    started = process->pid();
    await_listener();
    await_rest();
    find_main();
}

// Not by family(): an interrupt must not stop this.
Subject::Killer::~Killer() {
    (void)eventually([] {
        Family members = read_family();
        for (const auto &[pid, member] : members)
            (void)kill(pid, SIGKILL);
        return members.empty();
    });
    started = -1;
}

std::vector<TcpSocket> sockets_at(int port) {
    std::optional<std::vector<TcpSocket>> table = tcp_table();
    if (!table)
        throw NotServing("/proc/net/tcp cannot be read");
    std::erase_if(*table, [port](const TcpSocket &socket) {
        return socket.local_port != port;
    });
    return *table;
}

static std::set<std::string> listeners_at(int port) {
    std::set<std::string> targets;
    for (const TcpSocket &socket : sockets_at(port))
        if (socket.state == tcp_listen)
            targets.insert(socket.target);
    return targets;
}

bool Subject::is_listening() const {
    return !listeners_at(port).empty();
}

void Subject::await_listener() {
    bool ended = false;
    bool ready = eventually([&] {
        ended = process->has_ended() && family().empty();
        return ended || is_listening();
    });
    if (ended)
        throw NotServing("it ended with status " +
                         std::to_string(process->wait()) + ": " + errors());
    if (!ready)
        throw NeverListens(
            "it does not listen on port " + std::to_string(port) + " after " +
            std::to_string(deadline_seconds) + " seconds: " + errors());
}

// Until all have slept for a moment, and no process has come.
void Subject::await_rest() {
    (void)eventually([&] {
        pass(20);
        std::set<pid_t> before = std::exchange(rest, {});
        bool asleep = is_listening();
        for (const auto &[pid, member] : family()) {
            rest.insert(pid);
            asleep = asleep && member.state == 'S';
        }
        return asleep && rest == before;
    });
    listeners = listeners_at(port);
    for (const std::string &listener : listeners)
        for (const auto &[pid, member] : holders_of(listener))
            acceptors.insert(pid);
    if (acceptors.empty())
        throw NotServing("port " + std::to_string(port) +
                         " is not listened on by what was started");
}

void Subject::find_main() {
    // One that has ended has started a daemon.
    main = process->has_ended() ? *acceptors.begin() : process->pid();
    if (settings.pid_file.empty())
        return;
    bool known = eventually([&] { // some write it after listen(2)
        std::ifstream file(settings.pid_file);
        return (file >> main) && rest.contains(main);
    });
    if (!known)
        throw NotServing(settings.pid_file +
                         " has no process ID of what was started");
}

// ---- clients ----------------------------------------------------------------

Fd Subject::connect() const {
    heed_interrupt();
    Fd fd;
    int at_once = 1;
    if (try_to_dial(port, settings.family, &fd) == -1)
        return Fd();
    (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &at_once,
                     sizeof at_once);
    return fd;
}

bool Subject::serves(const Fd &client, std::string *why, double seconds) const {
    static int number = 0;
    std::string text = "it takes no connection";
    bool right = false;
    if (client.get() != -1) {
        std::string sent = settings.send;
        size_t wanted = std::max<size_t>(1, settings.expect.size());
        if (settings.echo) {
            sent = "mpaudit " + std::to_string(++number) + "\n";
            wanted = sent.size();
        }
        auto [bytes, end] =
            converse(client, sent, wanted, seconds, settings.expect);
        right = end == enough && (!settings.echo || bytes == sent);
        text = "received " + std::to_string(bytes.size()) +
               " bytes, not what was expected, then " + end_names[end];
    }
    if (why != nullptr && !right)
        *why = text;
    return right;
}

Fd Subject::client() const {
    std::string why;
    Fd fd = connect();
    if (!serves(fd, &why))
        throw NotServing("a new client is not served: " + why);
    return fd;
}

std::vector<Fd> Subject::crowd(int count) const {
    std::vector<Fd> clients;
    clients.push_back(client());
    while (static_cast<int>(clients.size()) < count) {
        Fd next = connect();
        if (!serves(next))
            break;
        clients.push_back(std::move(next));
    }
    return clients;
}

std::string Subject::target_of(const Fd &client) const {
    int remote = local_port(client);
    for (const TcpSocket &socket : sockets_at(port))
        if (socket.remote_port == remote && socket.target != "socket:[0]")
            return socket.target;
    return "";
}

Family Subject::holders_of(const std::string &target) const {
    Family holders;
    for (const auto &[pid, member] : family())
        for (const auto &[fd, held] : descriptors_of(pid))
            if (held == target)
                holders[pid] = member;
    return holders;
}

pid_t Subject::child_of(const Fd &client) const {
    for (const auto &[pid, member] : holders_of(target_of(client)))
        if (!rest.contains(pid))
            return pid;
    return -1;
}

pid_t Subject::parent_of(pid_t child) const {
    Family members = family();
    while (members.contains(child) && !rest.contains(child))
        child = members[child].parent;
    return members.contains(child) ? child : -1;
}

bool Subject::becomes_quiet() const {
    static bool last_time = true; // else it is probably not worth the wait
    Clock::time_point late = Clock::now() + std::chrono::seconds(1);
    bool quiet = false;
    (void)eventually([&] {
        // One that has just reaped may still have to close a connection.
        quiet = std::ranges::all_of(family(), [this](const auto &entry) {
            char state = entry.second.state;
            return rest.contains(entry.first) && state != 'Z' && state != 'R';
        });
        return quiet || (!last_time && Clock::now() > late);
    });
    last_time = quiet;
    return quiet;
}

// ---- evidence ---------------------------------------------------------------

// Of main and acceptors.
std::string Subject::state() const {
    Family members = family();
    std::erase_if(members, [this](const auto &entry) {
        return entry.first != main && !acceptors.contains(entry.first);
    });
    return (lives(main) ? "" : "main has ended; ") + text_of(members);
}

void Subject::fault(const std::string &message, Evidence evidence) const {
    evidence.emplace_back("server", state());
    evidence.emplace_back("errors", errors());
    result.fault(message, evidence);
}
