// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ending.h"
#include "client/lines.h"
#include "client/talk.h"
#include "common/clock.h"
#include "common/signals.h"
#include "common/stream.h"

constexpr char prefix[] = "Message from server: ";
constexpr size_t buffer_size = 256 * 1024; // raw: 1.4 times as fast as 64 KiB

// In memory that both processes share.
struct shared {
    uint64_t sent; // bytes read from the input, to be sent
    uint64_t received;
    int64_t idle_since; // when the server last sent, or began to owe
    bool finished;      // nothing is left to send
    const char *failed; // by the writer, for the report
    int error;
};

struct talk {
    const struct talk_settings *settings;
    struct shared *shared;
    struct talk_report *report;
};

// Only the first failure is reported.
static int fail(struct talk *t, const char *what, int error) {
    if (t->report->failed == nullptr) {
        t->report->error = error;
        t->report->failed = what;
    }
    return -1;
}

// ---- what the server owes --------------------------------------------------

static bool owes_bytes(const struct shared *shared) {
    return __atomic_load_n(&shared->sent, __ATOMIC_ACQUIRE) >
           __atomic_load_n(&shared->received, __ATOMIC_RELAXED);
}

// If nothing was owed, the idle time begins now; stored first, so that the
// parent never sees more bytes owed with an old time.
static void owe(struct shared *shared, size_t bytes) {
    if (!owes_bytes(shared))
        shared->idle_since = now_ms();
    __atomic_store_n(&shared->sent, shared->sent + bytes, __ATOMIC_RELEASE);
}

// How long the server may stay idle, in milliseconds; -1: no limit.
static int time_left(const struct talk *t) {
    int all = t->settings->timeout * 1000;
    if (all == 0)
        return -1;
    if (!owes_bytes(t->shared) && writer != 0)
        return all; // end of file is not due either
    int64_t left = t->shared->idle_since + all - now_ms();
    return left > 0 ? static_cast<int>(left) : 0;
}

// ---- the writer ------------------------------------------------------------

[[noreturn]] static void writer_failed(struct shared *shared,
                                       const char *what) {
    shared->error = errno;
    shared->failed = what;
    _exit(EXIT_FAILURE);
}

static ssize_t next_piece(const struct talk_settings *settings,
                          struct quit_reader *reader, const char **piece) {
    static char buffer[buffer_size];
    if (!settings->raw)
        return read_piece(reader, piece);
    *piece = buffer;
    return read_some(settings->input, buffer, sizeof buffer);
}

[[noreturn]] static void run_writer(const struct talk *t, pid_t parent) {
    static struct quit_reader reader;
    int socket = t->settings->socket;
    struct shared *shared = t->shared;
    reader.fd = t->settings->input;
    if (release_caught_signals() == -1 || end_with_parent(parent) == -1)
        writer_failed(shared, "setting up the writer");
    const char *piece = nullptr;
    ssize_t n = 0;
    while ((n = next_piece(t->settings, &reader, &piece)) > 0) {
        owe(shared, static_cast<size_t>(n));
        if (write_all(socket, piece, static_cast<size_t>(n)) == -1)
            writer_failed(shared, "sending");
    }
    if (n == -1)
        writer_failed(shared, "standard input");
    shared->finished = true;
    // The server sees end of file, and can still send.
    if (shutdown(socket, SHUT_WR) == -1 && errno != ENOTCONN)
        writer_failed(shared, "shutdown");
    (void)close(socket); // the parent's copy stays open
    _exit(EXIT_SUCCESS);
}

static int start_writer(struct talk *t) {
    pid_t parent = getpid();
    block_ending_signals();
    pid_t pid = fork();
    switch (pid) {
    case -1:
        (void)fail(t, "fork", errno);
        break;
    case 0:
        run_writer(t, parent);
    default:
        writer = pid;
    }
    unblock_ending_signals();
    return pid == -1 ? -1 : 0;
}

// ---- the receiver ----------------------------------------------------------

// Returns its process ID; 0 if it runs, or there is none; or -1.
static pid_t reap_writer(struct talk *t, int *status, int options) {
    sigchld_came = 0;
    block_ending_signals();
    pid_t reaped = writer == 0 ? 0 : waitpid(writer, status, options);
    if (reaped == -1)
        (void)fail(t, "waitpid", errno);
    if (reaped > 0)
        writer = 0;
    unblock_ending_signals();
    return reaped;
}

static int check_writer(struct talk *t) {
    int status = 0;
    pid_t reaped = reap_writer(t, &status, WNOHANG);
    if (reaped <= 0)
        return reaped;
    owe(t->shared, 0); // end of file is due from now on
    (void)shutdown(t->settings->socket, SHUT_WR); // the writer may not have
    if (WIFSIGNALED(status))
        (void)fail(t, "the writer was killed", 0);
    return 0;
}

static int await_bytes(struct talk *t) {
    for (;;) {
        if (sigchld_came && check_writer(t) == -1)
            return -1;
        int ready = wait_for(t->settings->socket, time_left(t));
        if (ready == 1)
            return 0;
        if (ready == -1 && errno != EINTR)
            return fail(t, "ppoll", errno);
        // Asked again: the writer may have sent something meanwhile.
        if (ready == 0 && time_left(t) == 0)
            return fail(t, "receiving", ETIMEDOUT);
    }
}

static int receive(struct talk *t) {
    static char buffer[buffer_size];
    struct line_printer printer = {};
    int output = t->settings->output;
    for (;;) {
        if (await_bytes(t) == -1)
            return -1;
        ssize_t n = read_some(t->settings->socket, buffer, sizeof buffer);
        if (n == -1)
            return fail(t, "receiving", errno);
        if (n == 0)
            return 0;
        size_t size = static_cast<size_t>(n);
        __atomic_add_fetch(&t->shared->received, size, __ATOMIC_RELAXED);
        if ((t->settings->raw
                 ? write_all(output, buffer, size)
                 : print_lines(&printer, output, prefix, buffer, size)) == -1)
            return fail(t, "standard output", errno);
        // Only here: output that blocks does not count as the server's idling.
        t->shared->idle_since = now_ms();
    }
}

// Kills a writer that still reads its input; continues a finished one, if it is
// stopped. While waitid(2) waits, terminating signals are delivered.
static void end_writer(struct talk *t) {
    if (writer == 0)
        return;
    siginfo_t end;
    int status = 0;
    (void)kill(writer, t->shared->finished ? SIGCONT : SIGKILL);
    (void)waitid(P_PID, static_cast<id_t>(writer), &end, WEXITED | WNOWAIT);
    (void)reap_writer(t, &status, 0); // reports its own failure
}

int talk(const struct talk_settings *settings, struct talk_report *report) {
    *report = {};
    struct talk t = {settings, nullptr, report};
    void *page = mmap(nullptr, sizeof *t.shared, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return fail(&t, "mmap", errno);
    t.shared = static_cast<struct shared *>(page);
    if (start_writer(&t) == 0) {
        (void)receive(&t); // reports its own failure
        end_writer(&t);
        if (t.shared->failed != nullptr)
            (void)fail(&t, t.shared->failed, t.shared->error);
        if (!t.shared->finished)
            (void)fail(&t, "the server closed the connection", 0);
    }
    report->sent = t.shared->sent;
    report->received = t.shared->received;
    (void)munmap(page, sizeof *t.shared); // cannot fail
    bool all_came_back = report->sent == report->received;
    return report->failed == nullptr && all_came_back ? 0 : -1;
}
