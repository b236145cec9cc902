// SPDX-License-Identifier: MIT
// checks-processes - what parent and children hold, reap, block and leave.
#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

#include "mpaudit/checks.h"
#include "mpaudit/subject.h"
#include "support/sockets.h"
#include "support/waiting.h"

// ---- descriptors ------------------------------------------------------------

// Of all processes at rest.
static size_t count_of_descriptors(const Subject &subject) {
    size_t count = 0;
    for (pid_t pid : subject.rest)
        count += descriptors_of(pid).size();
    return count;
}

// What NOW has and BEFORE has not, "17: 5=socket:[1]".
static std::string text_of_new(const std::map<pid_t, Descriptors> &before,
                               const std::map<pid_t, Descriptors> &now) {
    std::string text;
    for (const auto &[pid, held] : now) {
        Descriptors more = held;
        if (before.contains(pid))
            std::erase_if(more, [&, pid = pid](const auto &entry) {
                return before.at(pid).contains(entry.first);
            });
        if (!more.empty())
            text += (text.empty() ? "" : "; ") + number(pid) + ":" +
                    text_of(more).substr(0, 300);
    }
    return text;
}

// A server may open something late, or keep some for the next client. A leak
// goes on: it grows with every third of the clients.
static void check_descriptors(Result &result) {
    Subject subject;
    auto held = [&] {
        std::map<pid_t, Descriptors> all;
        for (pid_t pid : subject.rest)
            all[pid] = descriptors_of(pid);
        return all;
    };
    subject.crowd(3).clear();
    (void)subject.becomes_quiet();
    auto first = held();
    size_t counts[4] = {count_of_descriptors(subject)};
    for (int third = 1; third <= 3; third++) {
        subject.crowd(10).clear();
        (void)subject.becomes_quiet();
        counts[third] = count_of_descriptors(subject);
    }
    std::string more = text_of_new(first, held());
    if (counts[0] < counts[1] && counts[1] < counts[2] && counts[2] < counts[3])
        result.fault("descriptors stay with each client",
                     {{"after_3_clients", number(counts[0])},
                      {"after_13", number(counts[1])},
                      {"after_23", number(counts[2])},
                      {"after_33", number(counts[3])},
                      {"new", more}});
    else if (!more.empty())
        result.comment("opened after the first clients: " + more);
}

static bool at_rest_hold(const Subject &subject, const std::string &target) {
    return std::ranges::any_of(subject.holders_of(target), [&](pid_t pid) {
        return subject.rest.contains(pid);
    });
}

// Whether it is kept counts when the client has gone, with its child: a parent
// may have its reasons until then.
static void check_client_in_parent(Result &result) {
    Subject subject;
    Fd client = subject.client();
    std::string target = subject.target_of(client);
    pid_t child = subject.child_of(client);
    if (eventually([&] { return !at_rest_hold(subject, target); }))
        return;
    Evidence evidence = {{"connection", target}};
    for (pid_t pid : subject.holders_of(target))
        if (subject.rest.contains(pid))
            evidence.emplace_back("held_by", text_of(family()[pid]));
    finish_sending(client);
    (void)eventually([&] { return !lives(child); });
    std::string end =
        name_of(converse(client, "", true, {}, deadline_seconds).end);
    evidence.emplace_back("end_seen_by_client", end);
    client.close();
    if (eventually([&] { return !at_rest_hold(subject, target); }))
        result.comment("the parent holds a client's connection until it ends");
    else
        result.fault("the connection of a client that is gone is still held",
                     evidence);
}

static void check_listener_in_child(Result &result) {
    Subject subject;
    Fd client = subject.client();
    pid_t child = subject.child_of(client);
    Evidence evidence;
    std::string others;
    for (const auto &[fd, target] : descriptors_of(child)) {
        std::string text = number(fd) + " (" + target + ")";
        if (subject.listeners.contains(target))
            evidence = {{"child", text_of(family()[child])},
                        {"descriptor", text}};
        else if (fd > STDERR_FILENO && target != subject.target_of(client))
            others += (others.empty() ? "" : ", ") + text;
    }
    if (!others.empty())
        result.comment("a child also holds " + others);
    client.close();
    // One that goes on waits for clients itself.
    bool ends = eventually([child] { return !lives(child); });
    if (evidence.empty())
        return;
    if (ends)
        result.fault("a child holds the listener", evidence);
    else
        result.comment("a process that came with a client listens, too");
}

static void check_client_in_other_child(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(3);
    for (const Fd &client : clients) {
        std::string target = subject.target_of(client);
        for (const Fd &other : clients) {
            pid_t child = subject.child_of(other);
            if (&other == &client || child == subject.child_of(client) ||
                !subject.holders_of(target).contains(child))
                continue;
            result.fault("a child holds the connection of another's client",
                         {{"child", text_of(family()[child])},
                          {"connection", target},
                          {"whose_child", number(subject.child_of(client))}});
            return;
        }
    }
}

// ---- reaping ----------------------------------------------------------------

// Their children end before the parent can reap one.
static void check_zombies(Result &result, int count) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(count);
    if (clients.empty())
        throw NotServing("no client is served");
    int served = static_cast<int>(clients.size());
    if (served < count)
        result.comment(number(served) + " is all that it serves at once");
    pid_t parent = subject.parent_of(subject.child_of(clients.back()));
    if (!stop(parent))
        throw Skip{"the parent cannot be stopped"};
    clients.clear();
    // Some end only after they have been heard by their parent.
    (void)eventually([&] {
        for (const auto &[pid, member] : family())
            if (member.parent == parent && !subject.rest.contains(pid) &&
                member.state != 'Z')
                return false;
        return true;
    });
    (void)send_signal(parent, SIGCONT);
    judge_zombies(result, subject,
                  "after " + number(served) + " clients left at once");
    if (judge_service(result, subject, "after that") &&
        !subject.becomes_quiet() && zombies_of(family()).empty() &&
        family().size() > subject.rest.size())
        result.comment("processes outlive their clients: " +
                       number(family().size() - subject.rest.size()));
}

static void check_zombies_1(Result &result) {
    check_zombies(result, 1);
}

static void check_zombies_50(Result &result) {
    check_zombies(result, 50);
}

static void check_zombies_500(Result &result) {
    check_zombies(result, 500);
}

static void check_killed_children(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(3);
    for (const auto &[pid, member] : family())
        if (!subject.rest.contains(pid))
            (void)kill(pid, SIGKILL);
    for (const Fd &client : clients) {
        Received last = converse(
            client, "", false, [](const std::string &) { return false; },
            deadline_seconds);
        if (last.end == End::silence)
            result.fault("the client of a killed child never sees an end",
                         {{"server", subject.state()}});
    }
    judge_zombies(result, subject, "after children were killed");
    judge_service(result, subject, "after children were killed");
}

static void check_stopped_child(Result &result) {
    Subject subject;
    Fd client = subject.client();
    pid_t child = subject.child_of(client);
    if (!stop(child))
        throw Skip{"the child cannot be stopped"};
    judge_service(result, subject, "while another's child is stopped");
    (void)send_signal(child, SIGCONT);
    std::string why;
    if (settings.echo && !subject.serves(client, deadline_seconds, &why))
        result.fault("a client is lost whose child was stopped and went on",
                     {{"client", why}});
    client.close();
    judge_zombies(result, subject, "after a child had stopped and gone on");
}

// As many as may be too many for a server that never learns of an end.
static void serve_in_a_row(Result &result, const StartOptions &start,
                           const std::string &when) {
    Subject subject(start);
    int rounds = most_at_once == -1 ? 60 : most_at_once + 20;
    for (int i = 0; i < rounds; i++) {
        std::string why;
        Fd client = subject.connect();
        if (subject.serves(client, deadline_seconds, &why))
            continue;
        if (i == 0)
            throw Skip{"it serves nobody when it is started so: " + why};
        result.fault("it stops serving " + when, {{"clients_served", number(i)},
                                                  {"client", why},
                                                  {"server", subject.state()}});
        return;
    }
    judge_zombies(result, subject, when);
}

static void check_sigchld_ignored(Result &result) {
    StartOptions start;
    start.in_child = [] { (void)signal(SIGCHLD, SIG_IGN); };
    serve_in_a_row(result, start, "started with SIGCHLD ignored");
}

static void check_sigchld_blocked(Result &result) {
    StartOptions start;
    start.in_child = [] {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_BLOCK, &set, nullptr);
    };
    serve_in_a_row(result, start, "started with SIGCHLD blocked");
}

// ---- signals ----------------------------------------------------------------

static std::string program_of(pid_t pid) {
    char path[4096] = {};
    std::string link = "/proc/" + number(pid) + "/exe";
    return readlink(link.c_str(), path, sizeof path - 1) > 0 ? path : "";
}

static std::string names_of(unsigned long long mask) {
    std::string text;
    for (int signo = 1; signo < SIGRTMIN; signo++)
        if (mask >> (signo - 1) & 1)
            text += (text.empty() ? "" : ", ") + std::string(strsignal(signo));
    return text;
}

// The same program knows what it blocks. Another one, run for a client, starts
// with what it was never told about: there SIGTERM must not be lost.
static void check_child_signals(Result &result) {
    Subject subject;
    Fd client = subject.client();
    pid_t child = subject.child_of(client);
    bool another = program_of(child) != program_of(subject.parent_of(child));
    // A shell or an interpreter may block for a moment.
    unsigned long long blocked = ~0ULL;
    (void)eventually([&] {
        blocked &= signal_mask(child, "SigBlk");
        return blocked == 0 || !another;
    });
    unsigned long long ignored = signal_mask(child, "SigIgn");
    if (ignored != 0)
        result.comment("a child ignores: " + names_of(ignored));
    if (blocked == 0)
        return;
    if (another)
        result.fault("a program run for a client inherits blocked signals",
                     {{"child", text_of(family()[child])},
                      {"program", program_of(child)},
                      {"blocked", names_of(blocked)}});
    else
        result.comment("a child blocks: " + names_of(blocked));
}

// ---- idle -------------------------------------------------------------------

constexpr double idle_seconds = 2;

static void check_idle(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(1);
    pass(300); // an acknowledgement that comes late wakes somebody
    std::map<pid_t, std::pair<long, long>> before;
    for (const auto &[pid, member] : family())
        before[pid] = {sleeps_of(pid), ticks_of(pid)};
    pass(static_cast<int>(idle_seconds * 1000));
    Family now = family();
    for (const auto &[pid, first] : before) {
        if (!now.contains(pid))
            continue;
        double wakes =
            static_cast<double>(sleeps_of(pid) - first.first) / idle_seconds;
        double ticks =
            static_cast<double>(ticks_of(pid) - first.second) / idle_seconds;
        if (wakes >= 50 || ticks >= 5)
            result.fault("a process spins while there is nothing to do",
                         {{"process", text_of(now[pid])},
                          {"wake_ups_a_second", number(wakes)},
                          {"clock_ticks_a_second", number(ticks)}});
        else if (wakes >= 1)
            result.comment(text_of(now[pid]) + " wakes up " + number(wakes) +
                           " times a second");
    }
}

// ---- ends -------------------------------------------------------------------

static std::string members_besides(const std::set<pid_t> &known) {
    std::string text;
    for (const auto &[pid, member] : family())
        if (!known.contains(pid))
            text += (text.empty() ? "" : "; ") + text_of(member);
    return text.substr(0, 300);
}

// Whether it drains or cuts its clients is its choice.
// Which it ends, and whom it cuts, is its choice. CLIENTS are then gone.
static bool ends_by(Result &result, Subject &subject,
                    std::vector<Fd> &clients) {
    (void)eventually(
        [&] { return !lives(subject.main) || !subject.is_listening(); });
    pass(300);
    bool ended = !lives(subject.main);
    std::string why;
    bool served = settings.echo && subject.serves(clients[0], 1, &why);
    result.comment(
        std::string(ended ? "it ends at once" : "it does not end at once") +
        (settings.echo
             ? served ? ", its clients are served on" : ", its clients are cut"
             : ""));
    clients.clear();
    return ended || eventually([&] { return !lives(subject.main); });
}

static void judge_termination(Result &result, Subject &subject,
                              std::vector<Fd> &clients) {
    if (!ends_by(result, subject, clients)) {
        result.fault("SIGTERM does not end it, nor does the last client",
                     {{"server", subject.state()},
                      {"listens", subject.is_listening() ? "yes" : "no"}});
        return;
    }
    if (subject.process->pid() == subject.main)
        result.comment("it ends with status " +
                       number(subject.process->wait()));
    if (!eventually([] { return family().empty(); }))
        result.fault("processes are left behind after SIGTERM",
                     {{"processes", members_besides({})},
                      {"listens", subject.is_listening() ? "yes" : "no"}});
}

static void check_sigterm(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(2);
    (void)send_signal(subject.main, SIGTERM);
    judge_termination(result, subject, clients);
}

// As timeout(1) and Ctrl-C send a signal to a process group.
static void check_sigterm_to_all(Result &result) {
    Subject subject;
    std::vector<Fd> clients = subject.crowd(2);
    for (const auto &[pid, member] : family())
        (void)kill(pid, SIGTERM);
    judge_termination(result, subject, clients);
}

// It may end, reload, or ignore it, but not go on deaf.
static void check_sighup(Result &result) {
    Subject subject;
    Fd client = subject.client();
    (void)send_signal(subject.main, SIGHUP);
    pass(300);
    std::string why;
    bool goes_on = lives(subject.main) && subject.is_listening();
    result.comment(goes_on ? "it goes on" : "it ends");
    if (goes_on && !subject.serves(subject.connect(), deadline_seconds, &why) &&
        lives(subject.main) && subject.is_listening())
        result.fault("no client is served after SIGHUP",
                     {{"client", why}, {"server", subject.state()}});
    client.close();
    if (!goes_on && !eventually([] { return family().empty(); }))
        result.fault("processes are left behind after SIGHUP",
                     {{"processes", members_besides({})}});
}

static void check_parent_killed(Result &result) {
    Subject subject;
    Fd client = subject.client();
    pid_t parent = subject.parent_of(subject.child_of(client));
    (void)send_signal(parent, SIGKILL);
    (void)eventually([parent] { return !lives(parent); });
    std::string why;
    bool served = settings.echo && subject.serves(client, 1, &why);
    if (settings.echo)
        result.comment(served ? "a client is served on without the parent"
                              : "a client is cut with the parent");
    if (eventually([&] { return !subject.is_listening(); }))
        return;
    Fd next = subject.connect();
    if (subject.serves(next, deadline_seconds, &why)) {
        result.comment("another process serves when the parent was killed");
        return;
    }
    Evidence evidence = {{"next_client", why}};
    for (const std::string &listener : subject.listeners)
        for (pid_t pid : subject.holders_of(listener))
            evidence.emplace_back("port_kept_by", text_of(family()[pid]));
    result.fault("the port of a killed server is kept, and nobody accepts",
                 evidence);
}

// The server's end of a connection is closed first, and so waits.
static void check_restart(Result &result) {
    int port = 0;
    {
        Subject subject;
        port = subject.port;
        Fd client = subject.client();
        (void)eventually([] { // all have ended: the connection is closed
            for (const auto &[pid, member] : family())
                (void)kill(pid, SIGKILL);
            return family().empty();
        });
        (void)converse(
            client, "", false, [](const std::string &) { return false; },
            deadline_seconds);
        bool waits = false;
        client.close();
        (void)eventually([&] {
            for (const TcpSocket &socket : sockets_at(port))
                waits = waits || socket.state == tcp_time_wait;
            return waits;
        });
        if (!waits)
            throw Skip{"no connection of the port was left in TIME_WAIT"};
    }
    try {
        Subject again({}, port);
    } catch (const NotServing &failure) {
        // Unless somebody else has taken the port since.
        for (const TcpSocket &socket : sockets_at(port))
            if (socket.state != tcp_time_wait)
                throw Skip{"another process uses the port"};
        result.fault("it does not start again on its port, which has a "
                     "connection in TIME_WAIT",
                     {{"port", number(port)}, {"reason", failure.what()}});
    }
}

// ---- a poor start -----------------------------------------------------------

static void check_closed_descriptors(Result &result) {
    StartOptions start;
    start.in_child = [] {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
    };
    std::unique_ptr<Subject> subject;
    try {
        subject = std::make_unique<Subject>(start);
    } catch (const NotServing &failure) {
        if (failure.lives_on)
            result.fault("started with 0, 1, 2 closed, it neither ends nor "
                         "listens",
                         {{"reason", failure.what()}});
        else
            result.comment(std::string("it does not start: ") + failure.what());
        return;
    }
    // POSIX lets a program count on them; but what it prints is no client's.
    Fd client = subject->connect();
    std::string why = "lost";
    std::string sent = "mpaudit\n";
    std::string back = sent;
    if (settings.echo)
        back = echo_of(client, sent, true).bytes;
    if (!sent.starts_with(back))
        result.fault("a client receives what is not its own",
                     {{"sent", sent}, {"received", back.substr(0, 200)}});
    else if (settings.echo ? back != sent
                           : !subject->serves(client, deadline_seconds, &why))
        result.comment("it does not serve");
}

// ---- the checks -------------------------------------------------------------

const std::vector<Check> process_checks = {
    {"descriptors", "no descriptor stays behind as clients come and go",
     nothing, check_descriptors},
    {"client-in-parent", "the parent lets go of a client's connection", a_fork,
     check_client_in_parent},
    {"listener-in-child", "a child does not hold the listener", a_fork,
     check_listener_in_child},
    {"client-in-other-child", "a child does not hold another's connection",
     a_fork, check_client_in_other_child},
    {"zombies-1", "no zombie after a client has left", a_fork, check_zombies_1},
    {"zombies-50", "no zombie after 50 have left at once", a_fork,
     check_zombies_50},
    {"zombies-500", "no zombie after 500 have left at once", a_fork,
     check_zombies_500},
    {"killed-children", "children that are killed are reaped, clients told",
     a_fork, check_killed_children},
    {"stopped-child", "a child that stops and goes on disturbs nobody", a_fork,
     check_stopped_child},
    {"sigchld-ignored", "it serves and reaps, started with SIGCHLD ignored",
     a_fork, check_sigchld_ignored},
    {"sigchld-blocked", "it serves and reaps, started with SIGCHLD blocked",
     a_fork, check_sigchld_blocked},
    {"child-signals",
     "a program run for a client starts with no signal blocked", a_fork,
     check_child_signals},
    {"idle", "it does not spin while there is nothing to do", nothing,
     check_idle},
    {"closed-descriptors",
     "started with 0, 1 and 2 closed, it prints to no client", nothing,
     check_closed_descriptors},
    {"sigterm", "SIGTERM ends it, and leaves nothing once clients are gone",
     nothing, check_sigterm},
    {"sigterm-to-all", "SIGTERM to each of its processes ends them all",
     nothing, check_sigterm_to_all},
    {"sighup", "after SIGHUP it serves, or is gone", nothing, check_sighup},
    {"parent-killed", "nobody keeps the port of a server that was killed",
     a_fork, check_parent_killed},
    {"restart", "it starts again at once on the same port", nothing,
     check_restart},
};
