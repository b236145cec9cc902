// SPDX-License-Identifier: MIT
// subject - the server under audit: its processes, its clients, what it holds.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "mpaudit/subject.h"
#include "support/sockets.h"
#include "support/waiting.h"

using Clock = std::chrono::steady_clock;

Settings settings;
volatile sig_atomic_t interrupted = 0;
int most_at_once = -1;

static void heed_interrupt() {
    if (interrupted)
        throw Interrupted();
}

void pass(int milliseconds) {
    heed_interrupt();
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    heed_interrupt();
}

// ---- processes --------------------------------------------------------------

static Family read_family() {
    heed_interrupt();
    Family all;
    for (pid_t pid : all_processes()) {
        if (Stat member = stat_of(pid); member.state != '\0')
            all[pid] = member;
    }
    Family members;
    for (const auto &[pid, member] : all) {
        auto above = all.find(member.parent);
        while (above != all.end() && above->first != getpid())
            above = all.find(above->second.parent);
        if (above != all.end())
            members[pid] = member;
    }
    return members;
}

static pid_t started = -1; // Process reaps it

Family family() {
    Family members = read_family();
    std::erase_if(members, [](const auto &entry) {
        const Stat &member = entry.second;
        return member.parent == getpid() && member.state == 'Z' &&
               (member.pid == started ||
                waitpid(member.pid, nullptr, WNOHANG) == member.pid);
    });
    return members;
}

std::string text_of(const Stat &member) {
    return std::to_string(member.pid) + " (" + member.name + ", state " +
           member.state + ", parent " + std::to_string(member.parent) + ")";
}

std::vector<Stat> zombies_of(const Family &family) {
    std::vector<Stat> zombies;
    for (const auto &[pid, member] : family)
        if (member.state == 'Z')
            zombies.push_back(member);
    return zombies;
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

const char *name_of(End end) {
    switch (end) {
    case End::enough:
        return "none";
    case End::end_of_file:
        return "end of file";
    case End::reset:
        return "reset";
    default:
        return "silence";
    }
}

Received converse(const Fd &fd, std::string_view bytes, bool finish,
                  const std::function<bool(const std::string &)> &enough,
                  double seconds) {
    Received received = {"", End::enough};
    bool finished = false;
    for (;;) {
        if (bytes.empty() && finish && !finished) {
            (void)shutdown(fd.get(), SHUT_WR);
            finished = true;
        }
        if (bytes.empty() && !finish && enough(received.bytes))
            return received;
        short out = bytes.empty() ? 0 : POLLOUT;
        struct pollfd ready = {fd.get(), static_cast<short>(POLLIN | out), 0};
        int n = poll(&ready, 1, static_cast<int>(seconds * 1000));
        heed_interrupt();
        if (n == 0)
            return {received.bytes, End::silence};
        if (ready.revents & POLLOUT) {
            ssize_t sent = send(fd.get(), bytes.data(), bytes.size(),
                                MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent > 0)
                bytes.remove_prefix(static_cast<size_t>(sent));
            else if (errno != EAGAIN && !(ready.revents & POLLIN))
                return {received.bytes, End::reset};
        }
        if (!(ready.revents & (POLLIN | POLLHUP | POLLERR)))
            continue;
        char buffer[65536];
        ssize_t got = recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (got > 0)
            received.bytes.append(buffer, static_cast<size_t>(got));
        else if (got == 0)
            return {received.bytes, End::end_of_file};
        else if (errno != EAGAIN)
            return {received.bytes, End::reset};
    }
}

Received echo_of(const Fd &fd, std::string_view bytes, bool finish) {
    return converse(
        fd, bytes, finish,
        [size = bytes.size()](const std::string &got) {
            return got.size() >= size;
        },
        deadline_seconds);
}

// ---- the start --------------------------------------------------------------

// Of a command that has failed, it is the last line that says why.
static std::string tail_of(const Fd &file, size_t most) {
    off_t size = lseek(file.get(), 0, SEEK_END);
    off_t from = size - std::min(size, static_cast<off_t>(most));
    std::string text(most, '\0');
    ssize_t n = pread(file.get(), text.data(), most, from);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
}

std::string Subject::errors() const {
    return tail_of(log_, 1000);
}

static std::vector<std::string> words_for(int port) {
    std::vector<std::string> words = settings.words;
    for (std::string &word : words)
        for (size_t at = 0; (at = word.find("{port}")) != word.npos;)
            word.replace(at, 6, std::to_string(port));
    return words;
}

Subject::Subject(const StartOptions &options, int at_port) : port(at_port) {
    if (port == 0) {
        Fd holder;
        port = refusing_port(&holder);
    }
    try {
        start(options);
    } catch (...) {
        stop_all();
        throw;
    }
}

Subject::~Subject() {
    stop_all();
}

void Subject::start(const StartOptions &options) {
    log_ = scratch_file(); // a pipe that is not read would stop it
    StartOptions all = options;
    if (all.output == -1)
        all.output = log_.get();
    if (all.errors == -1)
        all.errors = log_.get();
    all.in_child = [&options] {
        struct rlimit limit = {};
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        // As a login has it: this process has raised its own for its clients.
        limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1024);
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (options.in_child)
            options.in_child();
    };
    owned_ = std::make_unique<Process>(words_for(port), all);
    process = owned_.get();
    main = started = process->pid();
    await_listener();
    for (const auto &[pid, member] : family()) {
        rest.insert(pid);
        for (const auto &[fd, target] : descriptors_of(pid))
            if (listeners.contains(target) &&
                (acceptors.empty() || acceptors.back() != pid))
                acceptors.push_back(pid);
    }
    if (acceptors.empty())
        throw NotServing("port " + std::to_string(port) +
                         " is not listened on by what was started");
    if (process->has_ended()) // a daemon
        main = acceptors.front();
    if (!settings.pid_file.empty()) {
        std::ifstream file(settings.pid_file);
        pid_t pid = -1;
        if (!(file >> pid) || !rest.contains(pid))
            throw NotServing(settings.pid_file +
                             " has no process ID of what was started");
        main = pid;
    }
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

bool Subject::find_listeners() {
    listeners.clear();
    for (const TcpSocket &socket : sockets_at(port))
        if (socket.state == tcp_listen)
            listeners.insert(socket.target);
    return !listeners.empty();
}

void Subject::await_listener() {
    bool ended = false;
    bool ready = eventually([&] {
        ended = process->has_ended() && family().empty();
        return ended || find_listeners();
    });
    if (ended)
        throw NotServing("it ended with status " +
                         std::to_string(process->wait()) + ": " + errors());
    if (!ready)
        throw NotServing("it does not listen on port " + std::to_string(port) +
                             " after " + std::to_string(deadline_seconds) +
                             " seconds: " + errors(),
                         true);
    // At rest once all have slept for a moment, and no process has come.
    Family last;
    (void)eventually([&] {
        pass(20);
        Family now = family();
        bool same = now.size() == last.size();
        for (const auto &[pid, member] : now)
            same = same && last.contains(pid) && member.state == 'S';
        last = now;
        return same && find_listeners();
    });
}

// Nothing may stop this, an interrupt least of all.
void Subject::stop_all() {
    sig_atomic_t before = interrupted;
    interrupted = 0;
    (void)eventually([] {
        Family members = family();
        for (const auto &[pid, member] : members)
            (void)kill(pid, SIGKILL);
        return members.empty();
    });
    owned_.reset();
    started = -1;
    if (before)
        interrupted = before;
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

bool Subject::serves(const Fd &client, double seconds, std::string *why) const {
    static int number = 0;
    if (client.get() == -1) {
        *why = "it takes no connection";
        return false;
    }
    std::string sent = settings.send;
    std::string expected = settings.expect;
    if (settings.echo)
        sent = expected = "mpaudit " + std::to_string(++number) + "\n";
    auto enough = [&](const std::string &got) {
        return settings.echo      ? got.size() >= expected.size()
               : expected.empty() ? !got.empty()
                                  : got.find(expected) != got.npos;
    };
    Received received = converse(client, sent, false, enough, seconds);
    bool right = received.end == End::enough &&
                 (!settings.echo || received.bytes == expected);
    *why = right ? ""
                 : "received " + std::to_string(received.bytes.size()) +
                       " bytes, not what was expected, then " +
                       name_of(received.end);
    return right;
}

Fd Subject::client() const {
    std::string why;
    Fd fd = connect();
    if (!serves(fd, deadline_seconds, &why))
        throw NotServing("a new client is not served: " + why);
    return fd;
}

std::vector<Fd> Subject::crowd(int count) const {
    std::vector<Fd> clients;
    if (most_at_once != -1)
        count = std::min(count, most_at_once);
    std::string why;
    while (clients.size() < static_cast<size_t>(count)) {
        clients.push_back(connect());
        if (serves(clients.back(), deadline_seconds / 5.0, &why))
            continue;
        clients.pop_back();
        most_at_once = static_cast<int>(clients.size());
        break;
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

std::set<pid_t> Subject::holders_of(const std::string &target) const {
    std::set<pid_t> holders;
    for (const auto &[pid, member] : family())
        for (const auto &[fd, held] : descriptors_of(pid))
            if (held == target)
                holders.insert(pid);
    return holders;
}

pid_t Subject::child_of(const Fd &client) const {
    for (pid_t holder : holders_of(target_of(client)))
        if (!rest.contains(holder))
            return holder;
    return -1;
}

pid_t Subject::parent_of(pid_t child) const {
    Family members = family();
    while (members.contains(child) && !rest.contains(child))
        child = members[child].parent;
    return members.contains(child) ? child : -1;
}

bool Subject::becomes_quiet() const {
    static bool always_has = true; // else waiting again is for nothing
    Clock::time_point late = Clock::now() + std::chrono::seconds(1);
    bool quiet = false;
    (void)eventually([&] {
        Family members = family();
        // One that has just reaped may still have to close a connection.
        quiet = std::ranges::all_of(members, [this](const auto &entry) {
            char state = entry.second.state;
            return rest.contains(entry.first) && state != 'Z' && state != 'R';
        });
        return quiet || (!always_has && Clock::now() > late);
    });
    always_has = always_has && quiet;
    return quiet;
}

bool Subject::is_listening() const {
    return std::ranges::any_of(sockets_at(port), [](const TcpSocket &socket) {
        return socket.state == tcp_listen;
    });
}

std::string Subject::state() const {
    Family members = family();
    std::string text;
    std::set<pid_t> those(acceptors.begin(), acceptors.end());
    those.insert(main);
    for (pid_t pid : those)
        text += (text.empty() ? "" : "; ") +
                (members.contains(pid) ? text_of(members[pid])
                                       : std::to_string(pid) + " (gone)");
    return text;
}
