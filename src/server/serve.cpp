// SPDX-License-Identifier: MIT
// serve - the accept loop of a server that forks a process for each client.
//
// One turn of the loop: wait for a client or a signal; do what signals asked
// for; then take one client, or try again what had failed. Every state that
// one turn leaves for the next is in struct server.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reap.h"
#include "common/signals.h"
#include "common/sockets.h"
#include "server/child.h"
#include "server/children.h"
#include "server/serve.h"

constexpr int retry_ms = 100;    // until what ran out is tried again
constexpr int line_ms = 1000;    // between two lines of what may be a flood
constexpr int full_ms = 60000;   // between two lines about the limit
constexpr int backlog_ms = 1000; // in which a drain still accepts
constexpr int repeat_ms = 1000;  // after a signal the same may come again
constexpr int killed_ms = 1000;  // in which the killed ought to be gone
constexpr int patience = 8;      // turns, or errors, in a row

// Children that have ended are reaped together, for a SIGCHLD of each would
// wake the server as often again as clients do. SIGCHLD is held for this time
// after a reaping, longer where many live and each reaping takes its time; but
// never for more than so many clients.
constexpr int shortest_hold_ms = 20;
constexpr int longest_hold_ms = 200;
constexpr int children_per_ms = 50;
constexpr int clients_a_hold = 16;   // and one more ...
constexpr int children_a_client = 8; // ... for so many that live
constexpr int few_children = 4;      // so many are found by a look at all

constexpr int64_t never = INT64_MAX;
constexpr size_t unlogged_text_size = 48;

enum phase {
    serving,
    draining, // the backlog is accepted; clients finish
    ending,   // the grace is over; children have been killed
    over      // they cannot be reaped
};

// A line that may be due more often than it is written.
struct sparse_line {
    int64_t written_at;
    unsigned long unlogged; // since then
};

struct server {
    const struct serve_settings *settings;
    struct children *children;
    enum phase phase;
    int64_t phase_began;
    int listener;                 // -1 when closed
    int client;                   // accepted, without a child; -1 for none
    struct sockaddr_storage peer; // of that client
    int64_t accept_at;            // something ran out: no client until then
    int64_t reap_at;              // waitpid failed, and SIGCHLD will not repeat
    int64_t hold_until;           // SIGCHLD, after a reaping
    struct sparse_line complaint, full, refusal, crash;
    int accept_failures; // in a row
    int turns;           // in a row in which a client was ready
    int new_children;    // since the last reaping
    bool broken;         // it cannot go on, or not end as it should
    unsigned long served, refused, fork_failures;
};

// What the handler has noted since serve() last looked.
static volatile sig_atomic_t any_signal, child_ended, report_wanted,
    stop_wanted;

static void note_signal(int signo) {
    any_signal = 1;
    if (signo == SIGCHLD)
        child_ended = 1;
    else if (signo == SIGUSR1)
        report_wanted = 1;
    else
        stop_wanted = 1;
}

// Blocks SIGNO also where it is not handled: children are the parent's to end.
static int note(int signo, bool unless_ignored) {
    int ignored = signal_ignored(signo);
    if (ignored == -1 || block_signal(signo) == -1)
        return -1;
    return ignored && unless_ignored ? 0 : set_signal(signo, note_signal);
}

int serve_signals(void) {
    // In the background of a terminal with `stty tostop`, a line would stop it.
    if (note(SIGCHLD, false) == -1 || note(SIGTERM, false) == -1 ||
        note(SIGUSR1, false) == -1 || note(SIGINT, true) == -1 ||
        note(SIGHUP, true) == -1 || block_signal(SIGQUIT) == -1 ||
        set_signal(SIGTTOU, SIG_IGN) == -1)
        return -1;
    child_ended = 0;
    report_wanted = 0;
    stop_wanted = 0;
    return 0;
}

// Whether LINE, which is due, is to be written: once in EVERY milliseconds.
static bool may_write(struct sparse_line *line, int every) {
    if (now_ms() - line->written_at < every) {
        line->unlogged++;
        return false;
    }
    line->written_at = now_ms();
    return true;
}

// TEXT becomes what LINE, which is written now, says of those that were not.
static void count_unlogged(struct sparse_line *line,
                           char text[unlogged_text_size]) {
    text[0] = '\0';
    if (line->unlogged > 0)
        (void)snprintf(text, unlogged_text_size, ", %lu more unlogged",
                       line->unlogged);
    line->unlogged = 0;
}

// Tells that WHAT has failed, errno being the reason, but not too often.
// Returns when it may be tried again.
static int64_t try_later(struct server *s, const char *what) {
    int reason = errno; // a call that succeeds may change it
    if (may_write(&s->complaint, line_ms)) {
        errno = reason;
        log_error("%s", what);
    }
    return now_ms() + retry_ms;
}

static void log_totals(const struct server *s) {
    log_line("served %lu, live %d, refused %lu, fork failures %lu, "
             "lines lost %lu",
             s->served, s->children->live, s->refused, s->fork_failures,
             log_lines_lost());
}

// ---- children --------------------------------------------------------------

// Also a server that is quiet tells what ought not to be.
static void tell_crash(struct server *s, pid_t pid, const char *words) {
    if (!may_write(&s->crash, line_ms))
        return;
    char unlogged[unlogged_text_size];
    count_unlogged(&s->crash, unlogged);
    log_warning("child %d: %s%s", pid, words, unlogged);
}

static void child_reaped(pid_t pid, int status, void *context) {
    struct server *s = static_cast<struct server *>(context);
    if (!children_remove(s->children, pid))
        return;       // none of ours: inherited over exec, or adopted
    s->accept_at = 0; // what it held is free again
    char words[status_text_size];
    describe_child(status, words);
    if (!s->settings->quiet)
        log_line("removed proc id: %d (%s)", pid, words);
    bool killed_by_us = s->phase == ending && WTERMSIG(status) == SIGKILL;
    if (!killed_by_us && child_crashed(status))
        tell_crash(s, pid, words);
}

static void reap_by_pid(struct server *s) {
    int cursor = 0;
    pid_t pid = 0;
    while ((pid = children_next(s->children, &cursor)) != 0)
        (void)reap_child(pid, child_reaped, s); // who fails here, fails below
}

static void begin_hold(struct server *s) {
    int hold = shortest_hold_ms + s->children->live / children_per_ms;
    s->hold_until =
        now_ms() + (hold < longest_hold_ms ? hold : longest_hold_ms);
    s->new_children = 0;
}

// To find any child that has ended, the kernel looks at all that live. Where
// many have, that would take time by the square of their number; so each is
// asked for by its pid, which is found at once.
static void reap(struct server *s) {
    child_ended = 0;
    s->reap_at = never;
    int result = 0;
    for (int n = 1; (result = reap_child(-1, child_reaped, s)) == 1; n++)
        if (n % few_children == 0)
            reap_by_pid(s);
    if (result == -1 && s->children->live > 0)
        s->reap_at = try_later(s, "waitpid");
    begin_hold(s);
}

// ---- clients ---------------------------------------------------------------

// fork(3) does more, for threads and for pthread_atfork(3), which nobody here
// asks for, and which each child would pay for. glibc has the other since 2.34.
static pid_t fork_alone(void) {
#ifdef HAVE__FORK
    return _Fork();
#else
    return fork();
#endif
}

static bool at_limit(const struct server *s) {
    return s->children->live == s->children->limit;
}

// Some who live for all that is known may have ended, their SIGCHLD being held.
static void tell_limit(struct server *s) {
    if (at_limit(s))
        reap(s);
    if (at_limit(s) && s->phase == serving && may_write(&s->full, full_ms))
        log_warning("clients: limit of %d reached, others wait in the backlog",
                    s->children->limit);
}

// For the client in hand.
static void start_child(struct server *s) {
    pid_t pid = fork_alone();
    switch (pid) {
    case -1:
        s->fork_failures++;
        s->accept_at = try_later(s, "fork");
        return;
    case 0:
        serve_client(s->client, s->settings->options);
    default:
        // The child's now: while the parent held it too, the client would
        // never see the end. Linux closes it even where close(2) fails.
        (void)close(s->client);
        s->client = -1;
        s->served++;
        s->new_children++;
        children_add(s->children, pid, &s->peer);
    }
    if (!s->settings->quiet) {
        char address[address_text_size];
        format_address(&s->peer, address);
        log_line("new client connected... %s (pid %d)", address, pid);
    }
    tell_limit(s);
}

static bool over_limit(const struct server *s) {
    int limit = s->settings->clients_per_address;
    return limit != 0 && children_from(s->children, &s->peer) >= limit;
}

// Closes the client in hand.
static void refuse(struct server *s) {
    (void)close(s->client); // nothing was sent on it
    s->client = -1;
    s->refused++;
    if (s->settings->quiet || !may_write(&s->refusal, line_ms))
        return;
    char address[address_text_size];
    char unlogged[unlogged_text_size];
    format_address(&s->peer, address);
    count_unlogged(&s->refusal, unlogged);
    log_line("client refused... %s (%d from this address%s)", address,
             s->settings->clients_per_address, unlogged);
}

// What was left to a later turn.
static void settle_client(struct server *s) {
    if (over_limit(s))
        refuse(s);
    else
        start_child(s);
}

static void close_listener(struct server *s) {
    (void)close(s->listener); // the system gives it up even on an error
    s->listener = -1;
}

static void begin_phase(struct server *s, enum phase phase) {
    s->phase = phase;
    s->phase_began = now_ms();
}

// Who connected before the stop is served, if there is a place. Not for long:
// under a flood the backlog never becomes empty.
static void limit_drain(struct server *s) {
    if (s->listener != -1 &&
        (at_limit(s) || now_ms() >= s->phase_began + backlog_ms))
        close_listener(s);
}

// What accept(2) says of one connection, or of the network behind it, is no
// reason to stop: its manual page asks to treat these like EAGAIN.
static bool concerns_one_client(int error) {
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM: // a firewall rule
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

static void accept_failed(struct server *s) {
    switch (errno) {
    case EAGAIN: // it left again, or another process took it
        if (s->phase == draining)
            close_listener(s);
        return;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        log_error("accept");
        s->broken = true;
        if (s->phase == serving)
            begin_phase(s, draining);
        close_listener(s);
        return;
    default:
        // One by one they pass without a word, but not for ever and at full
        // speed.
        if (!concerns_one_client(errno) || ++s->accept_failures >= patience)
            s->accept_at = try_later(s, "accept");
    }
}

static void accept_client(struct server *s) {
    socklen_t size = sizeof s->peer;
    s->client =
        accept4(s->listener, reinterpret_cast<struct sockaddr *>(&s->peer),
                &size, SOCK_CLOEXEC);
    if (s->client == -1) {
        accept_failed(s);
        return;
    }
    s->accept_failures = 0;
    // Else some of its address may have ended, their SIGCHLD being blocked: the
    // next turn knows.
    if (!over_limit(s))
        start_child(s);
}

// ---- signals ---------------------------------------------------------------

static void kill_children(struct server *s) {
    int cursor = 0;
    pid_t pid = 0;
    while ((pid = children_next(s->children, &cursor)) != 0)
        (void)kill(pid, SIGKILL); // not reaped yet: the pid is its own
    if (s->client != -1)
        (void)close(s->client); // it had no child; nothing was echoed
    s->client = -1;
    if (s->listener != -1)
        close_listener(s);
    begin_phase(s, ending);
}

// When a phase that nothing ends is over.
static int64_t phase_end(const struct server *s) {
    switch (s->phase) {
    case draining:
        return s->phase_began + s->settings->grace * 1000LL;
    case ending:
        return s->phase_began + killed_ms;
    default:
        return never;
    }
}

// Children that were killed long ago, and that waitpid(2) does not give out,
// are left to init(1).
static void end_phase(struct server *s) {
    if (s->phase == ending && s->reap_at != never) {
        s->broken = true;
        s->phase = over;
        return;
    }
    kill_children(s);
}

static void heed_stop(struct server *s) {
    stop_wanted = 0;
    if (s->phase == serving)
        begin_phase(s, draining);
    else if (s->phase == draining && now_ms() >= s->phase_began + repeat_ms)
        kill_children(s);
}

static void heed_signals(struct server *s) {
    // A report counts the living, and a drain the free places.
    if (child_ended || report_wanted || stop_wanted || now_ms() >= s->reap_at)
        reap(s);
    if (report_wanted) {
        report_wanted = 0;
        log_totals(s);
    }
    if (stop_wanted)
        heed_stop(s);
    if (s->phase == draining)
        limit_drain(s);
    if (now_ms() >= phase_end(s))
        end_phase(s);
}

// ---- the loop --------------------------------------------------------------

// At the limit, and while something has run out, clients wait in the backlog:
// the listener is not even looked at, and so cannot make the loop spin.
static bool wants_client(const struct server *s, int64_t now) {
    return s->listener != -1 && s->client == -1 && now >= s->accept_at &&
           !at_limit(s);
}

// Not where something waits for a child to end; nor where clients are counted
// by address: one that comes back would be refused because of a child that has
// ended.
static bool holds_sigchld(const struct server *s, int64_t now) {
    int most = clients_a_hold + s->children->live / children_a_client;
    return now < s->hold_until && s->new_children < most &&
           s->settings->clients_per_address == 0 && wants_client(s, now);
}

static int time_to_wait(const struct server *s, int64_t now, bool holding) {
    // Also when that time has passed meanwhile: the client in hand has no other
    // to wake the server for it.
    bool paused = s->client != -1 || now < s->accept_at;
    if (s->phase == draining && s->listener != -1 && !paused)
        return 0;
    int64_t until = phase_end(s);
    if (s->reap_at < until)
        until = s->reap_at;
    if (holding && s->hold_until < until)
        until = s->hold_until;
    if (paused && s->accept_at < until)
        until = s->accept_at;
    if (until == never)
        return -1;
    return until > now ? static_cast<int>(until - now) : 0;
}

// Without a signal that wait_for() could have let in, its failure is one that
// would come back at once, and for ever.
static void wait_failed(struct server *s) {
    if (errno == EINTR && any_signal)
        return;
    (void)try_later(s, "ppoll"); // which the pause is for
    pause_for(retry_ms);
}

// Returns whether a client is there to be accepted.
static bool wait_for_event(struct server *s) {
    int64_t now = now_ms();
    bool listening = wants_client(s, now);
    bool holding = holds_sigchld(s, now);
    int milliseconds = time_to_wait(s, now, holding);
    // ppoll lets no signal in while the listener is ready. Under a load that
    // never ends neither the dead nor SIGTERM would ever have their turn.
    if (s->turns >= patience) {
        listening = false;
        milliseconds = 0;
        s->turns = 0;
    }
    any_signal = 0;
    int fd = listening ? s->listener : -1;
    int ready = holding ? wait_without(SIGCHLD, fd, milliseconds)
                        : wait_for(fd, milliseconds);
    s->turns = ready == 1 ? s->turns + 1 : 0;
    if (ready == -1)
        wait_failed(s);
    return ready == 1;
}

static bool finished(const struct server *s) {
    bool nobody_left =
        s->children->live == 0 && s->client == -1 && s->listener == -1;
    return s->phase == over || nobody_left;
}

int serve(const struct serve_settings *settings, struct children *children) {
    struct server s = {};
    s.settings = settings;
    s.children = children;
    s.listener = settings->listener;
    s.client = -1;
    int64_t long_ago = now_ms() - full_ms;
    s.complaint = s.full = s.refusal = s.crash = {long_ago, 0};
    reap(&s); // children inherited over exec may have ended long ago
    while (!finished(&s)) {
        bool ready = wait_for_event(&s);
        heed_signals(&s);
        if (s.client != -1 && now_ms() >= s.accept_at)
            settle_client(&s);
        else if ((ready || s.phase == draining) && wants_client(&s, now_ms()))
            accept_client(&s);
    }
    log_totals(&s);
    return s.broken ? -1 : 0;
}
