// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "kernel/expected.h"
#include "kernel/log.h"
#include "kernel/peers.h"
#include "kernel/state.h"

constexpr int ms_between_lines = 1000;
constexpr int ms_between_full_lines = 60000;
constexpr int most_ms_to_write = 100;

// A line that is written at most once per PAUSE milliseconds.
struct expected_sparse {
    int64_t pause;
    int64_t told_at;
    bool right;   // it may come before the next check
    bool due;     // it must
    int unlogged; // suppressed since the last one
};

static struct {
    bool broken;
    struct expected_line due; // a line about a client, or empty
    bool totals_due;          // after SIGUSR1
    bool totals_last;         // nothing was printed after it
    bool totals_unasked;
    struct expected_sparse full;
    struct expected_sparse refusal; // its text is in due
    struct expected_sparse crash;
    struct expected_line crash_words;
    int asked; // the descriptor that was polled, or nobody
    bool timer_set;
    const char *failed_call; // which a line may be about
    int failure;
    bool at_once; // the diagnostic is not rate-limited
    struct expected_sparse diagnostic;
    unsigned long lost, lost_before;
} printed;

// Per descriptor: its last line was cut. The log outlives a run, so this must.
static bool torn[STDERR_FILENO + 1];

// The first one is due as soon as there is a reason.
static void begin_sparse(struct expected_sparse *line, int64_t pause) {
    line->pause = pause;
    line->told_at = -pause;
}

void open_log(bool broken) {
    printed = {};
    printed.broken = broken;
    printed.asked = nobody;
    begin_sparse(&printed.full, ms_between_full_lines);
    begin_sparse(&printed.diagnostic, ms_between_lines);
    begin_sparse(&printed.refusal, ms_between_lines);
    begin_sparse(&printed.crash, ms_between_lines);
    printed.lost_before = log_lines_lost();
}

// ---- what is due -----------------------------------------------------------

// A line that is not due yet may be when the server reads its clock.
static void expect_sparse(struct expected_sparse *line) {
    line->right = true;
    line->due = kernel.clock - line->told_at >= line->pause;
}

static void check_sparse(struct expected_sparse *line) {
    must(!line->due);
    line->unlogged += line->right;
    line->right = false;
}

// It was written, or the attempt failed.
static void tell_sparse(struct expected_sparse *line) {
    must(line->right && kernel.clock - line->told_at >= line->pause);
    line->told_at = kernel.clock;
    line->right = false;
    line->due = false;
    line->unlogged = 0;
}

static void add_unlogged(struct expected_line *words,
                         const struct expected_sparse *line) {
    if (line->unlogged == 0)
        return;
    add(words, ", ");
    add_number(words, line->unlogged);
    add(words, " more unlogged");
}

// Where to put the next line; null if the server is quiet.
static struct expected_line *next_due(void) {
    must(printed.due.size == 0);
    return kernel.settings.quiet ? nullptr : &printed.due;
}

void expect_client_line(int client, pid_t pid) {
    struct expected_line *line = next_due();
    if (line == nullptr)
        return;
    add(line, "new client connected... ");
    add_peer(line, kernel.address_of[client], client);
    add(line, " (pid ");
    add_number(line, pid);
    add(line, ")\n");
}

void expect_refusal_line(int client) {
    struct expected_line *line = next_due();
    if (line == nullptr)
        return;
    add(line, "client refused... ");
    add_peer(line, kernel.address_of[client], client);
    add(line, " (");
    add_number(line, kernel.settings.clients_per_address);
    add(line, " from this address");
    add_unlogged(line, &printed.refusal);
    add(line, ")\n");
    expect_sparse(&printed.refusal);
}

// In the manual page's words for a child's exit status.
static void add_end(struct expected_line *line, int status) {
    int code = status / 256;
    int signo = status % 256;
    if (signo != 0) {
        add(line, "killed by signal ");
        add_number(line, signo);
    } else if (code == 0) {
        add(line, "client disconnected");
    } else if (code == 4) {
        add(line, "connection reset");
    } else if (code == 5) {
        add(line, "timed out");
    } else {
        add(line, "exited ");
        add_number(line, code);
    }
}

void expect_removal_line(pid_t pid, int status) {
    struct expected_line *line = next_due();
    if (line == nullptr)
        return;
    add(line, "removed proc id: ");
    add_number(line, pid);
    add(line, " (");
    add_end(line, status);
    add(line, ")\n");
}

void expect_totals(void) {
    printed.totals_due = true;
}

void expect_full_line(void) {
    expect_sparse(&printed.full);
}

static void begin_error_line(struct expected_line *line) {
    line->size = 0;
    add(line, program_invocation_short_name);
    add(line, ": ");
}

void expect_crash_line(pid_t pid, int status) {
    struct expected_line *line = &printed.crash_words;
    begin_error_line(line);
    add(line, "child ");
    add_number(line, pid);
    add(line, ": ");
    add_end(line, status);
    add_unlogged(line, &printed.crash);
    add(line, "\n");
    expect_sparse(&printed.crash);
}

void check_crash_line(void) {
    check_sparse(&printed.crash);
}

void check_diagnostic(void) {
    check_sparse(&printed.diagnostic);
}

void note_failure(const char *call, int error, enum diagnostic diagnostic) {
    check_diagnostic();
    printed.failed_call = call;
    printed.failure = error;
    printed.at_once = diagnostic == diagnostic_at_once;
    if (diagnostic == diagnostic_wrong)
        return;
    expect_sparse(&printed.diagnostic);
    if (diagnostic != diagnostic_due)
        printed.diagnostic.due = printed.at_once;
}

// ---- what comes ------------------------------------------------------------

static void check_totals(const char *line, size_t size) {
    struct expected_line totals;
    totals.size = 0;
    add(&totals, "served ");
    add_number(&totals, kernel.served);
    add(&totals, ", live ");
    add_number(&totals, kernel.own);
    add(&totals, ", refused ");
    add_number(&totals, kernel.refused);
    add(&totals, ", fork failures ");
    add_number(&totals, kernel.fork_failures);
    add(&totals, ", lines lost ");
    add_number(&totals, static_cast<long>(log_lines_lost()));
    add(&totals, "\n");
    must(is_line(&totals, line, size));
    printed.totals_unasked = !printed.totals_due;
    printed.totals_due = false;
    printed.totals_last = true;
}

static void add_full(struct expected_line *line) {
    begin_error_line(line);
    add(line, "clients: limit of ");
    add_number(line, kernel.limit);
    add(line, " reached, others wait in the backlog\n");
}

static void note_diagnostic(void) {
    if (!printed.at_once)
        tell_sparse(&printed.diagnostic);
    printed.diagnostic.right = false;
    printed.diagnostic.due = false;
}

static void check_diagnostic_line(const char *bytes, size_t size) {
    struct expected_line line;
    must(printed.diagnostic.right);
    begin_error_line(&line);
    add(&line, printed.failed_call);
    add(&line, ": ");
    add(&line, strerror(printed.failure));
    add(&line, "\n");
    must(is_line(&line, bytes, size));
    note_diagnostic();
}

static void check_error_line(const char *bytes, size_t size) {
    struct expected_line full;
    add_full(&full);
    if (printed.crash.right && is_line(&printed.crash_words, bytes, size))
        tell_sparse(&printed.crash);
    else if (is_line(&full, bytes, size))
        tell_sparse(&printed.full);
    else
        check_diagnostic_line(bytes, size);
}

// Whether the next line on standard error can only be one.
static bool is_certain_error(void) {
    int candidates = printed.diagnostic.right;
    candidates += printed.crash.right;
    candidates += printed.full.right;
    return candidates == 1;
}

static void lose_error_line(void) {
    if (printed.crash.right)
        tell_sparse(&printed.crash);
    else if (printed.full.right)
        tell_sparse(&printed.full);
    else
        note_diagnostic();
}

static void take_due_line(void) {
    printed.due.size = 0;
    if (printed.refusal.right)
        tell_sparse(&printed.refusal);
}

static void check_line(int fd, const char *line, size_t size) {
    must(size > 0 && line[size - 1] == '\n');
    must((*line == '\n') == torn[fd]); // which ends the torn line
    if (torn[fd]) {
        line++;
        size--;
    }
    printed.totals_last = false;
    if (fd == STDERR_FILENO) {
        check_error_line(line, size);
        return;
    }
    if (*line == 's') {
        check_totals(line, size);
        return;
    }
    must(is_line(&printed.due, line, size));
    take_due_line();
}

int modelled_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    int fd = fds->fd;
    must(!kernel.in_child && count == 1 && fds->events == POLLOUT &&
         milliseconds == 0);
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    printed.asked = fd;
    bool certain = fd == STDOUT_FILENO || is_certain_error();
    if (!printed.broken || !certain || take_control(kernel.input) % 4 != 1)
        return 1;
    printed.lost++;
    // A line about a client comes at once, before the statistics.
    if (fd == STDERR_FILENO)
        lose_error_line();
    else if (printed.due.size > 0)
        take_due_line();
    else
        printed.totals_due = false;
    return 0;
}

static bool is_short(const struct timeval *time) {
    return time->tv_sec == 0 && time->tv_usec > 0 &&
           time->tv_usec <= most_ms_to_write * 1000;
}

int modelled_setitimer(int which, const struct itimerval *value,
                       struct itimerval *before) {
    must(!kernel.in_child && which == ITIMER_REAL && before == nullptr);
    printed.timer_set = timerisset(&value->it_value);
    // It may expire before write(2) blocks, and must then expire again.
    must(!printed.timer_set ||
         (is_short(&value->it_value) && is_short(&value->it_interval)));
    return 0;
}

ssize_t log_write(int fd, const char *line, size_t size) {
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    must(printed.asked == fd && printed.timer_set); // or it may block
    printed.asked = nobody;
    check_line(fd, line, size);
    unsigned choice = printed.broken ? take_control(kernel.input) % 4 : 0;
    if (choice == 0) {
        torn[fd] = false;
        return static_cast<ssize_t>(size);
    }
    printed.lost++;
    if (choice == 1) {
        errno = EINTR; // from the timer
        return -1;
    }
    torn[fd] = true;
    return static_cast<ssize_t>(size / 2);
}

// What holds whenever a server waits or returns.
static void check_lines(void) {
    if (printed.refusal.right)
        printed.due.size = 0; // check_sparse() knows whether it was due
    must(printed.due.size == 0 && !printed.totals_due && !printed.timer_set);
    check_sparse(&printed.refusal);
    check_sparse(&printed.crash);
    check_sparse(&printed.full);
    check_diagnostic();
}

void check_log(void) {
    must(!printed.totals_unasked);
    check_lines();
}

void check_log_end(void) {
    check_lines();
    must(printed.broken || printed.totals_last);
    must(log_lines_lost() - printed.lost_before == printed.lost);
}
