// SPDX-License-Identifier: MIT
// talk - a connection with input split from output.
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"
#include "signals.h"
#include "stream.h"
#include "talk.h"

constexpr char prefix[] = "Message from server: ";
constexpr struct tally no_bytes = {0, 14695981039346656037U}; // FNV's start
constexpr int retry_ms = 10;
constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

// A page that both processes see; the writer's side of the report. TAKEN counts
// what it has read to send, so that bytes cut off on the way count as missing.
struct writer_page {
    struct tally taken;
    bool reading;  // it may have taken what is not counted yet
    bool finished; // there is nothing left to send
    const char *failed;
    int error;
};

struct talk {
    int socket, input, output;
    bool raw;
    struct writer_page *page;
    struct talk_report *report;
};

static volatile sig_atomic_t child_ended;
static volatile sig_atomic_t writer; // its pid; 0 when there is none
static_assert(sizeof(sig_atomic_t) == sizeof(pid_t));

// FNV-1a. Its product is meant to wrap; this form says so to UBSan.
static void count(struct tally *tally, const char *bytes, size_t size) {
    uint64_t hash = tally->hash;
    for (size_t i = 0; i < size; i++)
        (void)__builtin_mul_overflow(
            hash ^ static_cast<unsigned char>(bytes[i]), 1099511628211U, &hash);
    tally->hash = hash;
    tally->bytes += size;
}

// ---- signals ---------------------------------------------------------------

static void note_child(int) {
    child_ended = 1;
}

// Ctrl-C must work while a write to the output stands still, so this does more
// than note it; kill, waitpid, sigaction and raise are async-signal-safe.
static void end_with_writer(int signo) {
    if (writer != 0) {
        (void)kill(writer, SIGKILL); // not reaped yet: the pid is its own
        (void)waitpid(writer, nullptr, 0);
    }
    (void)set_signal(signo, SIG_DFL);
    (void)raise(signo); // delivered when this handler returns
}

static int catch_signals(void) {
    child_ended = 0;
    if (block_signal(SIGCHLD) == -1 || set_signal(SIGCHLD, note_child) == -1)
        return -1;
    for (int signo : ending_signals) {
        struct sigaction inherited = {};
        if (sigaction(signo, nullptr, &inherited) == -1)
            return -1;
        if (inherited.sa_handler != SIG_IGN && // as nohup(1) wants it
            set_signal(signo, end_with_writer) == -1)
            return -1;
    }
    return 0;
}

// While `writer` changes, its handler must not look. Returns whether BEFORE is
// to be restored by let_signals(): where it is not known, any mask would be
// wrong.
static bool hold_signals(sigset_t *before) {
    sigset_t set;
    (void)sigemptyset(&set); // these cannot fail on a set of our own
    for (int signo : ending_signals)
        (void)sigaddset(&set, signo);
    return sigprocmask(SIG_BLOCK, &set, before) == 0;
}

static void let_signals(const sigset_t *before) {
    (void)sigprocmask(SIG_SETMASK, before, nullptr); // as it was: cannot fail
}

// ---- the writer ------------------------------------------------------------

static int reset_signals(void) {
    for (int signo : ending_signals) {
        struct sigaction inherited = {};
        if (sigaction(signo, nullptr, &inherited) == -1)
            return -1;
        if (inherited.sa_handler == end_with_writer &&
            set_signal(signo, SIG_DFL) == -1)
            return -1;
    }
    if (set_signal(SIGCHLD, SIG_DFL) == -1)
        return -1;
    return unblock_signals();
}

[[noreturn]] static void writer_failed(struct writer_page *page,
                                       const char *what) {
    page->error = errno;
    page->failed = what;
    _exit(EXIT_FAILURE);
}

static ssize_t next_piece(const struct talk *t, struct quit_reader *reader,
                          const char **piece) {
    if (!t->raw)
        return read_piece(reader, piece);
    *piece = reader->buffer;
    return read_some(t->input, reader->buffer, piece_size);
}

[[noreturn]] static void run_writer(const struct talk *t, pid_t parent) {
    static struct quit_reader reader;
    reader = {};
    reader.fd = t->input;
    if (reset_signals() == -1 || end_with_parent(parent) == -1)
        writer_failed(t->page, "the writer");
    while (!t->page->finished) {
        const char *piece = nullptr;
        // Apart from the read: whoever ends it here takes nothing with it.
        if (!reader.ended && wait_for(t->input, -1) == -1)
            writer_failed(t->page, "ppoll");
        t->page->reading = true;
        ssize_t n = next_piece(t, &reader, &piece);
        if (n == -1)
            writer_failed(t->page, "standard input");
        count(&t->page->taken, piece, static_cast<size_t>(n));
        t->page->finished = n == 0;
        t->page->reading = false;
        if (write_all(t->socket, piece, static_cast<size_t>(n)) == -1)
            writer_failed(t->page, "sending");
    }
    // The server sees the end, and what it still sends can come.
    if (shutdown(t->socket, SHUT_WR) == -1 && errno != ENOTCONN)
        writer_failed(t->page, "shutdown");
    (void)close(t->socket); // the parent's goes on receiving
    _exit(EXIT_SUCCESS);
}

static int start_writer(const struct talk *t) {
    sigset_t before;
    bool held = hold_signals(&before);
    pid_t parent = getpid();
    pid_t pid = fork();
    switch (pid) {
    case -1:
        break;
    case 0:
        run_writer(t, parent);
    default:
        writer = pid;
    }
    int reason = errno;
    if (held)
        let_signals(&before);
    errno = reason;
    return pid == -1 ? -1 : 0;
}

// Reaps the writer if it has ended, *STATUS being its wait status. Returns 1;
// or 0 if there is none that has ended, -1 with waitpid(2)'s errno.
static int reap_writer(int *status) {
    sigset_t before;
    bool held = hold_signals(&before);
    pid_t reaped = writer == 0 ? 0 : waitpid(writer, status, WNOHANG);
    if (reaped > 0)
        writer = 0;
    int reason = errno;
    if (held)
        let_signals(&before);
    errno = reason;
    return reaped > 0 ? 1 : reaped;
}

// ---- the receiver ----------------------------------------------------------

static int fail(struct talk *t, const char *what) {
    t->report->failed = what;
    t->report->error = errno;
    return -1;
}

static void note_writer_end(struct talk *t, int status) {
    t->report->unsent = t->page->failed;
    t->report->unsent_error = t->page->error;
    if (WIFSIGNALED(status))
        t->report->killed_by = WTERMSIG(status);
    // It ended before it could; else the server would wait, and so would we.
    if (status != 0)
        (void)shutdown(t->socket, SHUT_WR); // the connection may be gone
}

static int put_out(const struct talk *t, struct line_printer *printer,
                   const char *bytes, size_t size) {
    if (t->raw)
        return write_all(t->output, bytes, size);
    return print_lines(printer, t->output, prefix, bytes, size);
}

static int receive(struct talk *t) {
    static char buffer[piece_size];
    struct line_printer printer = {};
    for (;;) {
        if (child_ended) {
            child_ended = 0;
            int status = 0;
            int reaped = reap_writer(&status);
            if (reaped == -1)
                return fail(t, "waitpid");
            if (reaped == 1)
                note_writer_end(t, status);
        }
        int ready = wait_for(t->socket, -1);
        if (ready == -1 && errno == EINTR)
            continue;
        if (ready == -1)
            return fail(t, "ppoll");
        ssize_t n = read_some(t->socket, buffer, sizeof buffer);
        if (n == -1)
            return fail(t, "receiving");
        if (n == 0)
            return 0;
        size_t size = static_cast<size_t>(n);
        count(&t->report->received, buffer, size);
        if (put_out(t, &printer, buffer, size) == -1)
            return fail(t, "standard output");
    }
}

// Whether INPUT holds bytes that the writer has not come to. They stay there,
// for others may read it too; what cannot tell has none.
static bool input_waits(int input) {
    int bytes = 0;
    return ioctl(input, FIONREAD, &bytes) == 0 && bytes > 0;
}

// Its end is certain, but not when: somebody may have stopped it once more. The
// signals that end this process come in meanwhile. Results as reap_writer()'s.
static int await_writer(struct talk *t, int *status) {
    int reaped = 0;
    while ((reaped = reap_writer(status)) == 0 && writer != 0)
        if (wait_for(-1, -1) == -1 && errno != EINTR) // SIGCHLD ends it
            pause_for(retry_ms);
    if (reaped == -1 && t->report->failed == nullptr)
        return fail(t, "waitpid");
    return reaped;
}

static void kill_writer(struct talk *t, bool server_ended) {
    int status = 0;              // says only that:
    (void)kill(writer, SIGKILL); // it sleeps on the input, perhaps for ever
    (void)await_writer(t, &status);
    bool unfinished = server_ended && !t->page->finished;
    t->report->server_first = unfinished;
    t->report->input_left =
        unfinished && (t->page->reading || input_waits(t->input));
}

static void end_writer(struct talk *t, bool server_ended) {
    int status = 0;
    int reaped = reap_writer(&status);
    if (reaped != 1 && writer != 0) {
        if (!t->page->finished) {
            kill_writer(t, server_ended);
            return;
        }
        (void)kill(writer, SIGCONT); // else, stopped, it would not end
        reaped = await_writer(t, &status);
    }
    if (reaped == 1)
        note_writer_end(t, status);
}

static bool all_came_back(const struct talk_report *r) {
    return r->failed == nullptr && r->unsent == nullptr && r->killed_by == 0 &&
           !r->input_left && r->sent.bytes == r->received.bytes &&
           r->sent.hash == r->received.hash;
}

int talk(int socket, int input, int output, bool raw,
         struct talk_report *report) {
    *report = {};
    report->sent = no_bytes;
    report->received = no_bytes;
    struct talk t = {socket, input, output, raw, nullptr, report};
    void *page = mmap(nullptr, sizeof *t.page, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return fail(&t, "mmap");
    t.page = static_cast<struct writer_page *>(page);
    t.page->taken = no_bytes;
    if (catch_signals() == -1) {
        (void)fail(&t, "sigaction");
    } else if (start_writer(&t) == -1) {
        (void)fail(&t, "fork");
    } else {
        int received = receive(&t);
        end_writer(&t, received == 0);
    }
    report->sent = t.page->taken;
    (void)munmap(page, sizeof *t.page); // its own mapping: cannot fail
    return all_came_back(report) ? 0 : -1;
}
