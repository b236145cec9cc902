// SPDX-License-Identifier: MIT
// serve - the accept loop of a server that forks a process for each client.
// Each turn waits for a client or a signal, heeds the signals, and takes one
// client. serve(), at the end, is the place to start reading.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/sockets.h"
#include "server/child.h"
#include "server/children.h"
#include "server/events.h"
#include "server/journal.h"
#include "server/serve.h"

constexpr int retry_ms = 100; // until what ran out is tried again
constexpr int stop_ms = 1000, killed_ms = 1000; // see serve.h, end_phase()
constexpr int hold_ms = 20;       // in which SIGCHLD is held, and ...
constexpr int children_a_ms = 50; // ... 1 more for so many live children
constexpr int64_t never = INT64_MAX;

enum phase {
    serving,
    draining, // the backlog is accepted; clients finish
    ending,   // the grace is over; children have been killed
    over      // they cannot be reaped
};

struct client {
    int fd; // -1 for none
    union address peer;
};

struct server {
    const struct serve_settings *settings;
    struct children *children;
    struct journal journal;
    enum phase phase;
    int64_t phase_began, phase_ends;
    int listener;         // -1 when closed
    struct client client; // accepted, and not yet with a child
    int64_t accept_at;    // something ran out: no client until then
    int64_t hold_until;   // SIGCHLD, if clients keep coming
    bool broken;          // it cannot go on, or not end as it should
};

// ---- children --------------------------------------------------------------

// CALL has failed for want of something: no client is taken for a while.
static void try_later(struct server *s, const char *call) {
    journal_failed(&s->journal, call);
    s->accept_at = now_ms() + retry_ms;
}

static void child_reaped(struct server *s, pid_t pid, int status) {
    if (!children_remove(s->children, pid))
        return;       // none of ours: inherited over exec, or adopted
    s->accept_at = 0; // what it held is free again
    journal_removed(&s->journal, pid, status, s->phase == ending);
}

// Signals merge: one SIGCHLD may stand for any number of children.
static void reap(struct server *s) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        child_reaped(s, pid, status);
    // No SIGCHLD comes again for those that could not be reaped.
    child_ended = pid == -1 && s->children->live > 0;
    if (child_ended)
        journal_failed(&s->journal, "waitpid");
}

// ---- clients ---------------------------------------------------------------

static bool at_limit(const struct server *s) {
    return s->children->live == s->children->limit;
}

// At the limit, and while something has run out, clients wait in the backlog:
// the listener is not even looked at, and so cannot make the loop spin.
static bool wants_client(const struct server *s, int64_t now) {
    return s->listener != -1 && s->client.fd == -1 && now >= s->accept_at &&
           !at_limit(s);
}

// For the client in hand.
static void start_child(struct server *s) {
    pid_t pid = fork_child();
    switch (pid) {
    case -1:
        s->journal.fork_failures++;
        try_later(s, "fork");
        return;
    case 0:
        serve_client(s->client.fd, s->settings->options);
    default:
        // The child's now: while the parent held it too, the client would
        // never see the end. Linux closes it even where close(2) fails.
        (void)close(s->client.fd);
        s->client.fd = -1;
        s->accept_at = 0;
        s->journal.served++;
        children_add(s->children, pid, &s->client.peer);
        journal_connected(&s->journal, &s->client.peer, pid);
    }
    if (at_limit(s))
        reap(s); // some may have ended, their SIGCHLD being held
    if (at_limit(s) && s->phase == serving)
        journal_limit(&s->journal, s->children->limit);
}

static bool over_limit(const struct server *s) {
    int limit = s->settings->clients_per_address;
    return limit != 0 && children_from(s->children, &s->client.peer) >= limit;
}

static void refuse(struct server *s) {
    (void)close(s->client.fd); // nothing was sent on it
    s->client.fd = -1;
    journal_refused(&s->journal, &s->client.peer,
                    s->settings->clients_per_address);
}

static void close_listener(struct server *s) {
    (void)close(s->listener); // the system gives it up even on an error
    s->listener = -1;
}

static void begin_phase(struct server *s, enum phase phase, int64_t length) {
    s->phase = phase;
    s->phase_began = now_ms();
    s->phase_ends = s->phase_began + length;
}

static void begin_drain(struct server *s) {
    begin_phase(s, draining, s->settings->grace * 1000LL);
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
            begin_drain(s);
        close_listener(s);
        return;
    default: // no descriptor or memory, or one connection's error after another
        try_later(s, "accept");
    }
}

// READY: one waits to be accepted.
static void take_client(struct server *s, bool ready) {
    bool again = s->client.fd != -1;
    if ((ready || s->phase == draining) && wants_client(s, now_ms())) {
        int tries = s->accept_at == 0 ? 2 : 1; // 1: the last has failed
        s->client.fd = accept_from(s->listener, &s->client.peer, tries);
        if (s->client.fd == -1)
            accept_failed(s);
        else
            s->accept_at = 0;
    }
    if (s->client.fd == -1 || now_ms() < s->accept_at)
        return;
    if (!over_limit(s))
        start_child(s);
    else if (again) // those who have ended meanwhile have been reaped
        refuse(s);
}

// ---- the end ---------------------------------------------------------------

static void kill_children(struct server *s) {
    for (int i = 0; i < s->children->live; i++) // not reaped: their pids are
        (void)kill(s->children->entries[i].pid, SIGKILL); // their own
    if (s->client.fd != -1)
        (void)close(s->client.fd); // it had no child; nothing was echoed
    s->client.fd = -1;
    if (s->listener != -1)
        close_listener(s);
    begin_phase(s, ending, killed_ms);
}

static void end_phase(struct server *s) {
    if (s->phase == draining || !child_ended) {
        kill_children(s);
        return;
    }
    s->phase = over; // waitpid(2) does not give them out: they are init(1)'s
    s->broken = true;
}

static void heed_stop(struct server *s) {
    if (s->phase == serving)
        begin_drain(s);
    else if (s->phase == draining && now_ms() >= s->phase_began + stop_ms)
        kill_children(s);
}

static bool finished(const struct server *s) {
    bool nobody_left =
        s->children->live == 0 && s->client.fd == -1 && s->listener == -1;
    return s->phase == over || nobody_left;
}

static void heed_signals(struct server *s) {
    if (signal_came()) // a report counts the living, a drain the free places
        reap(s);
    if (report_wanted)
        journal_totals(&s->journal, s->children->live);
    if (stop_wanted)
        heed_stop(s);
    report_wanted = 0;
    stop_wanted = 0;
    // Who connected before the stop is served, if there is a place. Not for
    // long: under a flood the backlog never becomes empty.
    if (s->phase == draining && s->listener != -1 &&
        (at_limit(s) || now_ms() >= s->phase_began + stop_ms))
        close_listener(s);
    if (now_ms() >= s->phase_ends)
        end_phase(s);
}

static int time_to_wait(const struct server *s, int64_t now, bool holding) {
    // Also when accept_at has passed meanwhile: the client in hand has nothing
    // else to wake the server for it.
    bool paused = s->client.fd != -1 || now < s->accept_at;
    if (s->phase == draining && s->listener != -1 && !paused)
        return 0;
    int64_t until = s->phase_ends;
    const int64_t others[] = {
        holding ? s->hold_until : never, paused ? s->accept_at : never,
        child_ended ? now + retry_ms : never, // it could not be reaped
    };
    for (int64_t other : others)
        if (other < until)
            until = other;
    if (until == never)
        return -1;
    return until > now ? static_cast<int>(until - now) : 0;
}

// Whether a client is ready to be accepted; READY: whether one was last time.
static bool wait_for_event(struct server *s, bool ready) {
    int64_t now = now_ms(); // one and the same time for all that follows
    bool wanted = wants_client(s, now) && s->phase == serving;
    // While clients keep coming, SIGCHLD is let in every 20 ms only: that saves
    // 3 % of the processor's time a connection, and 50 % with 6000 live. Not
    // where clients are counted by address: one that comes back would be
    // refused because of a child that has ended.
    bool holding =
        wanted && now < s->hold_until && s->settings->clients_per_address == 0;
    // ppoll(2) lets no signal in while the listener is ready. Under a load that
    // never ends, it waits for signals alone after each hold.
    bool looking = wanted && ready && !holding;
    int result =
        await_event(wanted && !looking ? s->listener : -1,
                    looking ? 0 : time_to_wait(s, now, holding), holding);
    if (result == -1) { // it would be so again at once, and for ever
        journal_failed(&s->journal, "ppoll");
        pause_for(retry_ms);
        holding = false; // all signals could come in
    }
    if (result != 1 && !holding)
        s->hold_until = now_ms() + hold_ms + s->children->live / children_a_ms;
    return result == 1;
}

int serve(const struct serve_settings *settings, struct children *children) {
    struct server s = {};
    s.settings = settings;
    s.children = children;
    s.journal.quiet = settings->quiet;
    s.phase_ends = never;
    s.listener = settings->listener;
    s.client.fd = -1;
    reap(&s); // children inherited over exec may have ended long ago
    bool ready = false;
    while (!finished(&s)) {
        ready = wait_for_event(&s, ready);
        heed_signals(&s);
        take_client(&s, ready);
    }
    journal_totals(&s.journal, children->live);
    return s.broken ? -1 : 0;
}
