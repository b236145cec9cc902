// SPDX-License-Identifier: MIT
// checks-processes - what parent and children hold, reap, block and leave.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <unistd.h>

#include "mpaudit/checks.h"
#include "support/sockets.h"

static pid_t child_for(const Subject &subject, const Fd &client) {
    pid_t child = subject.child_of(client);
    if (child == -1)
        throw Skip{"no process for this client alone is found"};
    return child;
}

// ---- descriptors ------------------------------------------------------------

// Whether it is kept counts when the client has gone, with its child: a parent
// may have its reasons until then.
static void check_client_in_parent(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    std::string target = subject.target_of(client);
    if (target.empty())
        throw Skip{"its connection is not found"};
    End end = converse(client, "", to_the_end).end;
    client.close();
    Family holders;
    bool let_go = eventually([&] {
        holders = subject.holders_of(target);
        std::erase_if(holders, [&](const auto &entry) {
            return !subject.rest.contains(entry.first);
        });
        return holders.empty();
    });
    if (!let_go)
        subject.fault("the connection of a client that is gone is still held",
                      {{"connection", target},
                       {"held_by", text_of(holders)},
                       {"end_seen_by_client", end_names[end]}});
}

// Of the last of several clients, whose child may inherit what is the parent's
// or another's. One that goes on when they have left is not for one client.
static void check_child_holds(Result &result, bool listener) {
    Subject subject(result);
    std::vector<Fd> others = subject.crowd(2);
    Fd client = subject.client();
    pid_t child = child_for(subject, client);
    std::set<std::string> foreign;
    if (listener)
        foreign = subject.listeners;
    else
        for (const Fd &other : others)
            foreign.insert(subject.target_of(other));
    std::string who = text_of(stat_of(child));
    Descriptors held = descriptors_of(child);
    std::erase_if(held, [&](const auto &entry) {
        return !foreign.contains(entry.second);
    });
    others.clear();
    client.close();
    bool ends = eventually([child] { return !lives(child); });
    std::string what = listener ? "the listener" : "another's connection";
    if (!held.empty() && ends)
        subject.fault("a child holds " + what,
                      {{"child", who}, {"descriptors", text_of(held)}});
    else if (!held.empty())
        result.comment("a process that came with a client holds " + what);
}

// ---- reaping ----------------------------------------------------------------

// Their children end before the parent can reap one.
static void check_zombies(Result &result, int count) {
    Subject subject(result);
    std::vector<Fd> clients = subject.crowd(count);
    int served = static_cast<int>(clients.size());
    if (served < count)
        result.comment(number(served) + " is all that it serves at once");
    result.when = "after " + number(served) + " clients left at once";
    pid_t parent = subject.parent_of(child_for(subject, clients.back()));
    if (!stop(parent))
        throw Skip{"the parent cannot be stopped"};
    clients.clear();
    // Some end only after they have been heard by their parent.
    (void)eventually([&] {
        return std::ranges::all_of(family(), [&](const auto &entry) {
            const Stat &member = entry.second;
            return member.parent != parent || member.state == 'Z' ||
                   subject.rest.contains(member.pid);
        });
    });
    (void)send_signal(parent, SIGCONT);
    judge_rest(subject);
}

static void check_killed_children(Result &result) {
    Subject subject(result);
    result.when = "after children were killed";
    std::vector<Fd> clients = subject.crowd(3);
    for (const auto &[pid, member] : family())
        if (!subject.rest.contains(pid))
            (void)kill(pid, SIGKILL);
    for (const Fd &client : clients)
        if (converse(client, "", to_the_end).end >= silence)
            subject.fault("a client never sees an end");
    judge_rest(subject);
}

// Whether all comes back, though both directions are full again and again, and
// STOPPED, if it is not -1, then stops. A write(2) that is partly done is then
// a short one; where nothing is done yet it starts again, hence several rounds.
static bool comes_back(const Fd &client, pid_t stopped) {
    std::string sent;
    std::string back;
    for (int i = 0; i < 10 && sent.size() <= most_to_fill; i++) {
        sent += fill(client);
        if (stop(stopped))
            (void)send_signal(stopped, SIGCONT);
        back += converse(client, "", (sent.size() - back.size()) / 2).bytes;
    }
    return sent == back + converse(client, "", sent.size() - back.size()).bytes;
}

static void check_stopped_child(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    pid_t child = child_for(subject, client);
    if (!stop(child))
        throw Skip{"the child cannot be stopped"};
    result.when = "while another's child is stopped";
    judge_service(subject);
    (void)send_signal(child, SIGCONT);
    result.when = "after a child had stopped and gone on";
    std::string why;
    if (settings.echo && !subject.serves(client, &why))
        subject.fault("its client is lost", {{"client", why}});
    else if (settings.echo && comes_back(client, -1) &&
             !comes_back(client, child))
        subject.fault("bytes are lost or changed, as they were not before");
    client.close();
    judge_rest(subject);
}

constexpr int many = 120; // for a limit on processes that never end

static void serve_in_a_row(Result &result, void (*start)(), const char *when) {
    Subject subject(result, {.in_child = start});
    result.when = when;
    std::string why;
    if (!subject.serves(subject.connect(), &why))
        throw Skip{"it serves nobody when it is started so: " + why};
    for (int i = 1; i < many; i++)
        if (!subject.serves(subject.connect()) && !judge_service(subject))
            return;
    judge_rest(subject);
}

static void ignore_sigchld() {
    (void)signal(SIGCHLD, SIG_IGN);
}

static void block_sigchld() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, nullptr);
}

// ---- signals ----------------------------------------------------------------

static std::string program_of(pid_t pid) {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/" + number(pid) + "/exe",
                                         ignored);
}

// The same program knows what it blocks. Another one, run for a client, starts
// with what it was never told about: there SIGTERM must not be lost.
static void check_child_signals(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    pid_t child = child_for(subject, client);
    std::string program = program_of(child);
    bool another = program != program_of(subject.parent_of(child));
    // A shell or an interpreter may block for a moment.
    unsigned long long blocked = another ? ~0ULL : 0;
    (void)eventually([&] {
        blocked &= signal_mask(child, "SigBlk");
        return blocked == 0;
    });
    if (blocked != 0)
        subject.fault("a program run for a client inherits blocked signals",
                      {{"child", text_of(stat_of(child))},
                       {"program", program},
                       {"SigBlk", status_field(child, "SigBlk")}});
}

// ---- idle -------------------------------------------------------------------

constexpr int idle_seconds = 2;

static void check_idle(Result &result) {
    Subject subject(result);
    std::vector<Fd> clients = subject.crowd(1);
    pass(300); // an acknowledgement that comes late wakes somebody
    Family before = family();
    std::map<pid_t, long> sleeps;
    for (const auto &[pid, member] : before)
        sleeps[pid] = sleeps_of(pid);
    pass(idle_seconds * 1000);
    for (const auto &[pid, now] : family()) {
        if (!before.contains(pid))
            continue;
        long ticks =
            now.user + now.system - before[pid].user - before[pid].system;
        long wakes = sleeps_of(pid) - sleeps[pid];
        if (wakes >= 50 * idle_seconds || ticks >= 5 * idle_seconds)
            subject.fault(
                "a process spins while there is nothing to do",
                {{"process", text_of(now)},
                 {"wake_ups_a_second", number(wakes / idle_seconds)},
                 {"clock_ticks_a_second", number(ticks / idle_seconds)}});
        else if (wakes >= idle_seconds)
            result.comment(text_of(now) + " wakes up " +
                           number(wakes / idle_seconds) + " times a second");
    }
}

// ---- ends -------------------------------------------------------------------

// Whether PID and all others have nothing left to do because of SIGNO.
static bool rests_after(pid_t pid, int signo) {
    unsigned long long pending =
        signal_mask(pid, "SigPnd") | signal_mask(pid, "ShdPnd");
    Family members = family();
    return (pending >> (signo - 1) & 1) == 0 &&
           std::ranges::all_of(members, [](const auto &member) {
               char state = member.second.state;
               return state == 'S' || state == 'Z';
           });
}

// Sends SIGNO to the server, or to each of its processes, as timeout(1) and
// Ctrl-C do. Whether it ends at once or drains, and whom it cuts, is its
// choice; so is, for SIGHUP, to go on. But it may not go on deaf, nor stay.
static void judge_signal(Result &result, int signo, bool to_all) {
    Subject subject(result);
    Fd client = subject.client();
    result.when = signo == SIGTERM ? "after SIGTERM" : "after SIGHUP";
    Family members = family();
    for (const auto &[pid, member] : members)
        if (to_all || pid == subject.main)
            (void)kill(pid, signo);
    auto goes_on = [&] {
        return lives(subject.main) && subject.is_listening();
    };
    if (signo == SIGTERM)
        (void)eventually([&] { return !goes_on(); });
    pass(300);
    (void)eventually([&] { return rests_after(subject.main, signo); });
    std::string how = !lives(subject.main)     ? "it ends at once"
                      : subject.is_listening() ? "it listens on"
                                               : "it listens no more";
    if (settings.echo)
        how += subject.serves(client) ? ", its clients are served on"
                                      : ", its clients are cut";
    result.comment(how);
    if (signo == SIGHUP && goes_on()) {
        judge_service(subject);
        if (!goes_on()) // it has ended meanwhile, as it may
            result.faults.clear();
        return;
    }
    client.close();
    if (!eventually([&] { return !lives(subject.main); })) {
        subject.fault("it does not end, even without clients", {{"then", how}});
        return;
    }
    if (subject.process->pid() == subject.main)
        result.comment("it ends with status " +
                       number(subject.process->wait()));
    if (!eventually([] { return family().empty(); }))
        subject.fault("processes are left behind",
                      {{"processes", text_of(family())},
                       {"listens", subject.is_listening() ? "yes" : "no"}});
}

static void check_parent_killed(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    pid_t parent = subject.parent_of(child_for(subject, client));
    (void)send_signal(parent, SIGKILL);
    (void)eventually([parent] { return !lives(parent); });
    if (settings.echo)
        result.comment(subject.serves(client)
                           ? "a client is served on without the parent"
                           : "a client is cut with the parent");
    if (eventually([&] { return !subject.is_listening(); }))
        return;
    std::string why;
    if (subject.serves(subject.connect(), &why)) {
        result.comment("another process serves when the parent was killed");
        return;
    }
    Evidence evidence = {{"next_client", why}};
    for (const std::string &listener : subject.listeners)
        evidence.emplace_back("port_kept_by",
                              text_of(subject.holders_of(listener)));
    subject.fault("the port of a killed server is kept, and nobody accepts",
                  evidence);
}

// Whether PORT has a connection in TIME_WAIT; if not WAITING, any other socket.
static bool has_socket(int port, bool waiting) {
    return std::ranges::any_of(sockets_at(port), [=](const TcpSocket &socket) {
        return (socket.state == tcp_time_wait) == waiting;
    });
}

// The server's end of a connection is closed first, and so waits.
static int port_left_waiting(Result &result) {
    Subject subject(result);
    Fd client = subject.client();
    (void)eventually([] { // all have ended: the connection is closed
        for (const auto &[pid, member] : family())
            (void)kill(pid, SIGKILL);
        return family().empty();
    });
    (void)converse(client, "", to_the_end);
    client.close();
    if (!eventually([&] { return has_socket(subject.port, true); }))
        throw Skip{"no connection of the port was left in TIME_WAIT"};
    return subject.port;
}

static void check_restart(Result &result) {
    int port = port_left_waiting(result);
    try {
        Subject again(result, {}, port);
    } catch (const NotServing &failure) {
        if (has_socket(port, false))
            throw Skip{"another process uses the port"};
        result.fault("it does not start again on its port, which has a "
                     "connection in TIME_WAIT",
                     {{"port", number(port)}, {"reason", failure.what()}});
    }
}

// ---- a poor start -----------------------------------------------------------

// POSIX lets a program count on 0, 1 and 2; but what it prints is no client's.
static void check_closed_descriptors(Result &result) {
    StartOptions start = {.in_child = [] {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
    }};
    result.when = "started with 0, 1, 2 closed";
    try {
        Subject subject(result, start);
        Fd client = subject.connect();
        std::string sent = "mpaudit\n";
        std::string back = sent;
        if (settings.echo)
            back = converse(client, sent, to_the_end).bytes;
        if (!sent.starts_with(back))
            subject.fault("a client receives what is not its own",
                          {{"sent", sent}, {"received", back.substr(0, 200)}});
        else if (settings.echo ? back != sent : !subject.serves(client))
            result.comment("it does not serve");
    } catch (const NeverListens &failure) {
        result.fault("it neither ends nor listens",
                     {{"reason", failure.what()}});
    } catch (const NotServing &failure) {
        result.comment(std::string("it does not start: ") + failure.what());
    }
}

// ---- the checks -------------------------------------------------------------

const std::vector<Check> process_checks = {
    {"descriptors", "no descriptor stays behind as clients come and go",
     nothing, [](Result &result) { judge_growth(result, 10); }},
    {"client-in-parent", "the parent lets go of a client's connection", a_fork,
     check_client_in_parent},
    {"listener-in-child", "a child does not hold the listener", a_fork,
     [](Result &result) { check_child_holds(result, true); }},
    {"client-in-other-child", "a child does not hold another's connection",
     a_fork, [](Result &result) { check_child_holds(result, false); }},
    {"zombies-1", "no zombie after a client has left", a_fork,
     [](Result &result) { check_zombies(result, 1); }},
    {"zombies-50", "no zombie after 50 have left at once", a_fork,
     [](Result &result) { check_zombies(result, 50); }},
    {"zombies-500", "no zombie after 500 have left at once", a_fork,
     [](Result &result) { check_zombies(result, 500); }},
    {"killed-children", "children that are killed are reaped, clients told",
     a_fork, check_killed_children},
    {"stopped-child", "a child that stops and goes on disturbs nobody", a_fork,
     check_stopped_child},
    {"sigchld-ignored", "it serves and reaps, started with SIGCHLD ignored",
     a_fork,
     [](Result &result) {
         serve_in_a_row(result, ignore_sigchld, "started with SIGCHLD ignored");
     }},
    {"sigchld-blocked", "it serves and reaps, started with SIGCHLD blocked",
     a_fork,
     [](Result &result) {
         serve_in_a_row(result, block_sigchld, "started with SIGCHLD blocked");
     }},
    {"child-signals",
     "a program run for a client starts with no signal blocked", a_fork,
     check_child_signals},
    {"idle", "it does not spin while there is nothing to do", nothing,
     check_idle},
    {"closed-descriptors",
     "started with 0, 1 and 2 closed, it prints to no client", nothing,
     check_closed_descriptors},
    {"sigterm", "SIGTERM ends it, and leaves nothing once clients are gone",
     nothing, [](Result &result) { judge_signal(result, SIGTERM, false); }},
    {"sigterm-to-all", "SIGTERM to each of its processes ends them all",
     nothing, [](Result &result) { judge_signal(result, SIGTERM, true); }},
    {"sighup", "after SIGHUP it serves, or is gone", nothing,
     [](Result &result) { judge_signal(result, SIGHUP, false); }},
    {"parent-killed", "nobody keeps the port of a server that was killed",
     a_fork, check_parent_killed},
    {"restart", "it starts again at once on the same port", nothing,
     check_restart},
};
