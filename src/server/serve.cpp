// SPDX-License-Identifier: MIT
// serve - the accept loop. Each turn waits for a client or a signal, handles
// the signals, and accepts one client. Start reading at serve(), at the end.
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

constexpr int retry_ms = 100;   // before a call that failed is retried
constexpr int stop_ms = 1000;   // backlog accepted, further signals ignored
constexpr int killed_ms = 1000; // before children are killed again, or given up
constexpr int defer_ms = 20;    // SIGCHLD is deferred for this long, and ...
constexpr int children_per_ms = 50; // ... 1 ms longer per this many children
constexpr int64_t never = INT64_MAX;

enum phase {
    serving,
    draining, // accept the backlog, let clients finish
    ending,   // the grace period is over, children are killed
    over      // some could not be reaped
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
    struct client client; // accepted, still without a child
    int64_t accept_at;    // after a shortage: no client before then
    int64_t defer_until;  // SIGCHLD, while clients keep coming
    bool broken;          // serve() will return -1
};

// ---- children --------------------------------------------------------------

// CALL failed in a shortage: accept no client for a while.
static void try_later(struct server *s, const char *call) {
    journal_failed(&s->journal, call);
    s->accept_at = now_ms() + retry_ms;
}

static void child_reaped(struct server *s, pid_t pid, int status) {
    if (!children_remove(s->children, pid))
        return;       // inherited over exec(3), or an adopted orphan
    s->accept_at = 0; // the shortage may be over
    journal_removed(&s->journal, pid, status, s->phase == ending);
}

// Signals merge: one SIGCHLD may stand for several children.
static void reap(struct server *s) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        child_reaped(s, pid, status);
    // Children that could not be reaped send no further SIGCHLD.
    child_ended = pid == -1 && s->children->live > 0;
    if (child_ended)
        journal_failed(&s->journal, "waitpid");
}

// ---- clients ---------------------------------------------------------------

static bool at_limit(const struct server *s) {
    return s->children->live == s->children->limit;
}

// At the limit and in a shortage clients wait in the backlog: the listener is
// not polled, and so cannot make the loop spin.
static bool wants_client(const struct server *s, int64_t now) {
    return s->listener != -1 && s->client.fd == -1 && now >= s->accept_at &&
           !at_limit(s);
}

// Uses _Fork() (POSIX.1-2024) where it exists: it skips locks and
// pthread_atfork(3) handlers, which saves 5 % of the CPU time per connection.
static pid_t fork_child(void) {
#ifdef HAVE__FORK
    return _Fork();
#else
    return fork();
#endif
}

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
        // Now the child's: a second open copy would keep the client from seeing
        // end of file. An error of close(2) leaves nothing open, here or below.
        (void)close(s->client.fd);
        s->client.fd = -1;
        s->accept_at = 0;
        s->journal.served++;
        children_add(s->children, pid, &s->client.peer);
        journal_connected(&s->journal, &s->client.peer, pid);
    }
    if (at_limit(s))
        reap(s); // some may have terminated while SIGCHLD was deferred
    if (at_limit(s) && s->phase == serving)
        journal_limit(&s->journal, s->children->limit);
}

static bool over_limit(const struct server *s) {
    int limit = s->settings->clients_per_address;
    return limit != 0 && children_from(s->children, &s->client.peer) >= limit;
}

static void refuse(struct server *s) {
    (void)close(s->client.fd); // nothing was sent
    s->client.fd = -1;
    journal_refused(&s->journal, &s->client.peer,
                    s->settings->clients_per_address);
}

static void close_listener(struct server *s) {
    (void)close(s->listener);
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
    case EAGAIN: // the client left, or another process accepted it
        if (s->phase == draining)
            close_listener(s);
        return;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        log_error("accept"); // never suppressed
        s->broken = true;
        if (s->phase == serving)
            begin_drain(s);
        close_listener(s);
        return;
    default: // a shortage, or errors of several connections in a row
        try_later(s, "accept");
    }
}

// READY: a client is waiting.
static void take_client(struct server *s, bool ready) {
    if ((ready || s->phase == draining) && wants_client(s, now_ms())) {
        int tries = s->accept_at == 0 ? 2 : 1; // 1 after a failure
        s->client.fd = accept_from(s->listener, &s->client.peer, tries);
        if (s->client.fd == -1)
            accept_failed(s);
        else
            s->accept_at = 0;
    }
    if (s->client.fd == -1 || now_ms() < s->accept_at)
        return;
    bool over = over_limit(s);
    if (over) {
        reap(s); // some may have terminated while SIGCHLD was deferred
        over = over_limit(s);
    }
    if (over)
        refuse(s);
    else
        start_child(s);
}

// ---- the end ---------------------------------------------------------------

static void kill_children(struct server *s) {
    // The pids are valid, because the children have not been reaped.
    for (int i = 0; i < s->children->live; i++)
        (void)kill(s->children->entries[i].pid, SIGKILL);
    if (s->client.fd != -1)
        (void)close(s->client.fd); // it never had a child
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
    s->phase = over; // waitpid(2) fails: init(1) or a subreaper reaps them
    s->broken = true;
}

static void handle_stop(struct server *s) {
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

static void handle_signals(struct server *s) {
    // Statistics and drain need the current count.
    if (child_ended || report_wanted || stop_wanted)
        reap(s);
    if (report_wanted)
        journal_statistics(&s->journal, s->children->live);
    if (stop_wanted)
        handle_stop(s);
    report_wanted = 0;
    stop_wanted = 0;
    // Clients that connected before the stop are served, if there are slots.
    // Not for long: in a flood the backlog never empties.
    if (s->phase == draining && s->listener != -1 &&
        (at_limit(s) || now_ms() >= s->phase_began + stop_ms))
        close_listener(s);
    if (now_ms() >= s->phase_ends)
        end_phase(s);
}

static int time_to_wait(const struct server *s, int64_t now, bool deferring) {
    // A client still without a child makes no descriptor readable; only the
    // timeout wakes the server.
    bool paused = s->client.fd != -1 || now < s->accept_at;
    if (s->phase == draining && s->listener != -1 && !paused)
        return 0;
    int64_t until = s->phase_ends;
    const int64_t others[] = {
        deferring ? s->defer_until : never, paused ? s->accept_at : never,
        child_ended ? now + retry_ms : never, // waitpid(2) failed
    };
    for (int64_t other : others)
        if (other < until)
            until = other;
    if (until == never)
        return -1;
    return until > now ? static_cast<int>(until - now) : 0;
}

// Whether a client is ready; READY is the previous result.
static bool wait_for_event(struct server *s, bool ready) {
    int64_t now = now_ms();
    bool wanted = wants_client(s, now) && s->phase == serving;
    // While clients keep coming, SIGCHLD is deferred: that saves 3 % of the CPU
    // time per connection, 50 % with 6000 live children.
    bool deferring = wanted && now < s->defer_until;
    // While the listener is ready, ppoll(2) delivers no signal. Under constant
    // load, wait for signals alone after each deferral.
    bool looking = wanted && ready && !deferring;
    int result =
        await_event(wanted && !looking ? s->listener : -1,
                    looking ? 0 : time_to_wait(s, now, deferring), deferring);
    if (result == -1) { // it would fail again at once, without end
        journal_failed(&s->journal, "ppoll");
        pause_for(retry_ms);
        deferring = false; // all signals were unblocked
    }
    if (result != 1 && !deferring)
        s->defer_until =
            now_ms() + defer_ms + s->children->live / children_per_ms;
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
    reap(&s); // those inherited over exec(3) may have terminated
    bool ready = false;
    while (!finished(&s)) {
        ready = wait_for_event(&s, ready);
        handle_signals(&s);
        take_client(&s, ready);
    }
    journal_statistics(&s.journal, children->live);
    return s.broken ? -1 : 0;
}
