// SPDX-License-Identifier: MIT
// talk - a connection with input split from output.
#define XXH_INLINE_ALL // there is nothing to link
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "client/lines.h"
#include "client/talk.h"
#include "common/clock.h"
#include "common/signals.h"
#include "common/stream.h"

constexpr char prefix[] = "Message from server: ";
constexpr int retry_ms = 10;
constexpr size_t buffer_size = 256 * 1024; // 64 KiB: 1.4 times the time, raw
constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

// The bytes that went one way. The hash tells a server that alters them, and
// costs little more than reading them.
struct tally {
    uint64_t bytes;
    XXH3_state_t hash;
};

// A page that both processes see.
struct shared {
    struct tally sent; // read to be sent: what is lost on the way is missing
    struct tally received;
    int64_t silent_since; // when the server last sent, or began to owe
    bool reading;         // the writer may have taken what is not counted yet
    bool finished;        // there is nothing left to send
    const char *failed;   // the writer's failure, for the report
    int error;
};

struct talk {
    const struct talk_settings *settings;
    struct shared *shared;
    struct talk_report *report;
};

static volatile sig_atomic_t child_ended;
static volatile sig_atomic_t writer; // its pid; 0 when there is none
static_assert(sizeof(sig_atomic_t) == sizeof(pid_t));

static void count(struct tally *tally, const char *bytes, size_t size) {
    tally->bytes += size;
    (void)XXH3_64bits_update(&tally->hash, bytes, size); // cannot fail
}

// ---- signals ---------------------------------------------------------------

static void note_child(int) {
    child_ended = 1;
}

// Ctrl-C must work while a write to the output blocks, so this does more than
// note it. All of its calls are async-signal-safe.
static void end_with_writer(int signo) {
    if (writer != 0) {
        (void)kill(writer, SIGKILL); // not reaped yet: the pid is its own
        (void)waitpid(writer, nullptr, 0);
    }
    (void)set_signal(signo, SIG_DFL);
    (void)raise(signo);
    (void)unblock_signals(); // delivers it
    _exit(128 + signo);      // process 1 is still there
}

// What is ignored stays so, as nohup(1) wants it.
static int handle_ending_signals(signal_handler *handler) {
    for (int signo : ending_signals) {
        int ignored = signal_ignored(signo);
        if (ignored == -1 || (!ignored && set_signal(signo, handler) == -1))
            return -1;
    }
    return 0;
}

int catch_signals(void) {
    if (block_signal(SIGCHLD) == -1 || set_signal(SIGCHLD, note_child) == -1)
        return -1;
    return handle_ending_signals(end_with_writer);
}

// Until unblock_signals(): `writer` must not change under the handler.
static void hold_signals(void) {
    sigset_t set;
    (void)sigemptyset(&set); // these cannot fail on a set of our own
    (void)sigaddset(&set, SIGCHLD);
    for (int signo : ending_signals)
        (void)sigaddset(&set, signo);
    (void)sigprocmask(SIG_BLOCK, &set, nullptr);
}

// ---- what the server owes --------------------------------------------------

static bool bytes_are_owed(const struct shared *shared) {
    return shared->sent.bytes > shared->received.bytes;
}

// To be called just before more is owed: if nothing was, the silence begins.
// The other process, which may look at any moment, must see that first.
static void owe_more(struct shared *shared) {
    if (!bytes_are_owed(shared))
        shared->silent_since = now_ms();
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

// How long the server may still be silent, in milliseconds; -1 is for ever.
static int time_left(const struct talk *t) {
    if (t->settings->timeout == 0)
        return -1;
    int all = t->settings->timeout * 1000;
    bool end_is_owed = writer == 0;
    if (!bytes_are_owed(t->shared) && !end_is_owed)
        return all;
    __atomic_thread_fence(__ATOMIC_ACQUIRE); // owe_more()'s other half
    int64_t left = t->shared->silent_since + all - now_ms();
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
    if (handle_ending_signals(SIG_DFL) == -1 ||
        set_signal(SIGCHLD, SIG_DFL) == -1 || unblock_signals() == -1 ||
        end_with_parent(parent) == -1)
        writer_failed(shared, "the writer");
    while (!shared->finished) {
        const char *piece = nullptr;
        // Apart from the read: whoever ends it here takes nothing with it.
        if (!reader.ended && wait_for(reader.fd, -1) == -1)
            writer_failed(shared, "ppoll");
        shared->reading = true;
        ssize_t n = next_piece(t->settings, &reader, &piece);
        if (n == -1)
            writer_failed(shared, "standard input");
        owe_more(shared);
        count(&shared->sent, piece, static_cast<size_t>(n));
        shared->finished = n == 0;
        shared->reading = false;
        if (write_all(socket, piece, static_cast<size_t>(n)) == -1)
            writer_failed(shared, "sending");
    }
    // The server sees the end, and what it still sends can come.
    if (shutdown(socket, SHUT_WR) == -1 && errno != ENOTCONN)
        writer_failed(shared, "shutdown");
    (void)close(socket); // the parent's goes on receiving
    _exit(EXIT_SUCCESS);
}

static int start_writer(const struct talk *t) {
    pid_t parent = getpid();
    pid_t pid = fork();
    switch (pid) {
    case -1:
        return -1;
    case 0:
        run_writer(t, parent);
    default:
        writer = pid;
        return 0;
    }
}

// ---- the receiver ----------------------------------------------------------

// The first failure is the one that matters.
static int fail(struct talk *t, const char *what) {
    if (t->report->failed == nullptr) {
        t->report->error = errno;
        t->report->failed = what;
    }
    return -1;
}

// Reaps the writer if it has ended. Returns 1 if so, 0 if it or another child
// has not, or -1 with waitpid(2)'s errno.
static int reap_writer(struct talk *t) {
    int status = 0;
    child_ended = 0;
    pid_t reaped = writer == 0 ? 0 : waitpid(writer, &status, WNOHANG);
    if (reaped <= 0)
        return reaped;
    writer = 0;
    owe_more(t->shared);
    if (WIFSIGNALED(status))
        t->report->killed_by = WTERMSIG(status);
    return 1;
}

static int await_bytes(struct talk *t) {
    for (;;) {
        int reaped = child_ended ? reap_writer(t) : 0;
        if (reaped == -1)
            return fail(t, "waitpid");
        if (reaped == 1) // and it may have failed to do this
            (void)shutdown(t->settings->socket, SHUT_WR);
        int ready = wait_for(t->settings->socket, time_left(t));
        if (ready == 1)
            return 0;
        if (ready == -1 && errno != EINTR)
            return fail(t, "ppoll");
        // Asked again, for the writer may have sent something meanwhile.
        if (ready == 0 && time_left(t) == 0) {
            errno = ETIMEDOUT;
            return fail(t, "receiving");
        }
    }
}

// The output may block for ever: what ends this process must come in.
static int put_out(const struct talk *t, struct line_printer *printer,
                   const char *bytes, size_t size) {
    int output = t->settings->output;
    (void)unblock_signals();
    int result = t->settings->raw
                     ? write_all(output, bytes, size)
                     : print_lines(printer, output, prefix, bytes, size);
    hold_signals();
    return result;
}

static int receive(struct talk *t) {
    static char buffer[buffer_size];
    struct line_printer printer = {};
    for (;;) {
        if (await_bytes(t) == -1)
            return -1;
        ssize_t n = read_some(t->settings->socket, buffer, sizeof buffer);
        if (n == -1)
            return fail(t, "receiving");
        if (n == 0)
            return 0;
        size_t size = static_cast<size_t>(n);
        count(&t->shared->received, buffer, size);
        if (put_out(t, &printer, buffer, size) == -1)
            return fail(t, "standard output");
        // Not before: output that blocks is no silence of the server's.
        t->shared->silent_since = now_ms();
    }
}

// ---- the end ---------------------------------------------------------------

// Whether INPUT holds bytes that the writer has not come to. They stay there,
// for others may read it too; what cannot tell has none.
static bool input_waits(int input) {
    int bytes = 0;
    return ioctl(input, FIONREAD, &bytes) == 0 && bytes > 0;
}

// Its end is certain, but not when: somebody may have stopped it once more. The
// signals that end this process come in meanwhile.
static int await_writer(struct talk *t) {
    int reaped = 0;
    while ((reaped = reap_writer(t)) == 0)
        if (wait_for(-1, -1) == -1 && errno != EINTR) // SIGCHLD ends it
            pause_for(retry_ms);
    return reaped == 1 ? 0 : fail(t, "waitpid");
}

static void end_writer(struct talk *t, bool server_ended) {
    if (writer != 0) {
        // Either it sleeps on the input, perhaps for ever, or it is about to
        // end, but would not if it were stopped.
        (void)kill(writer, t->shared->finished ? SIGCONT : SIGKILL);
        (void)await_writer(t);
        if (t->report->killed_by == SIGKILL)
            t->report->killed_by = 0; // it was this process
    }
    bool unfinished = server_ended && !t->shared->finished;
    t->report->server_first = unfinished;
    t->report->input_left =
        unfinished && (t->shared->reading || input_waits(t->settings->input));
}

static bool all_came_back(const struct talk_report *r) {
    return r->failed == nullptr && r->killed_by == 0 && !r->input_left &&
           r->sent == r->received && !r->altered;
}

int talk(const struct talk_settings *settings, struct talk_report *report) {
    *report = {};
    struct talk t = {settings, nullptr, report};
    void *page = mmap(nullptr, sizeof *t.shared, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return fail(&t, "mmap");
    t.shared = static_cast<struct shared *>(page);
    (void)XXH3_64bits_reset(&t.shared->sent.hash); // cannot fail
    (void)XXH3_64bits_reset(&t.shared->received.hash);
    hold_signals();
    if (start_writer(&t) == -1)
        (void)fail(&t, "fork");
    else
        end_writer(&t, receive(&t) == 0);
    (void)unblock_signals();
    if (report->failed == nullptr) {
        report->error = t.shared->error;
        report->failed = t.shared->failed;
    }
    report->sent = t.shared->sent.bytes;
    report->received = t.shared->received.bytes;
    report->altered = XXH3_64bits_digest(&t.shared->sent.hash) !=
                      XXH3_64bits_digest(&t.shared->received.hash);
    (void)munmap(page, sizeof *t.shared); // its own mapping: cannot fail
    return all_came_back(report) ? 0 : -1;
}
