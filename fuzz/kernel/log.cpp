// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "kernel/log.h"
#include "kernel/state.h"

constexpr int most_ms_to_write = 100;

struct expected_line {
    int fd;
    int64_t pause;   // at least so many milliseconds between two
    int64_t told_at; // the last one
    bool right;      // it may come before the next check
    bool due;        // it must
    int unlogged;    // suppressed since the last one
    char text[256];  // without its newline
};

static struct {
    bool broken;
    struct expected_line lines[line_kinds];
    bool totals_due;  // after SIGUSR1
    bool totals_last; // nothing was printed after it
    bool totals_unasked;
    int asked; // the descriptor that was polled, or nobody
    bool timer_set;
    unsigned long lost, lost_before;
} printed;

// Per descriptor: its last line was cut. The log outlives a run, so this must.
static bool torn[STDERR_FILENO + 1];

// The first one is due as soon as there is a reason.
static void open_line(enum line_kind kind, int fd, int64_t pause) {
    struct expected_line *line = &printed.lines[kind];
    line->fd = fd;
    line->pause = pause;
    line->told_at = -pause;
}

void open_log(bool broken) {
    printed = {};
    printed.broken = broken;
    printed.asked = nobody;
    printed.lost_before = log_lines_lost();
    open_line(client_line, STDOUT_FILENO, 0);
    open_line(refusal_line, STDOUT_FILENO, 1000);
    open_line(limit_line, STDERR_FILENO, 60000);
    open_line(crash_line, STDERR_FILENO, 1000);
    open_line(failure_line, STDERR_FILENO, 1000);
    open_line(fatal_line, STDERR_FILENO, 0);
}

// ---- what is due -----------------------------------------------------------

// A line that is not due yet may be when the server reads its clock.
void expect_line(enum line_kind kind, const char *format, ...) {
    struct expected_line *line = &printed.lines[kind];
    if (kernel.settings.quiet && line->fd == STDOUT_FILENO)
        return;
    must(!line->due);
    char *text = line->text; // less than a half is for the program's name
    if (line->fd == STDERR_FILENO)
        text += snprintf(text, sizeof line->text,
                         "%s: ", program_invocation_short_name);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof line->text / 2, format, arguments);
    va_end(arguments);
    line->right = true;
    line->due = kernel.clock - line->told_at >= line->pause;
}

void check_line(enum line_kind kind) {
    struct expected_line *line = &printed.lines[kind];
    must(!line->due);
    line->unlogged += line->right;
    line->right = false;
}

// It was written, or the attempt failed.
static void tell(struct expected_line *line) {
    must(kernel.clock - line->told_at >= line->pause);
    line->told_at = kernel.clock;
    line->right = false;
    line->due = false;
    line->unlogged = 0;
}

const char *unlogged(enum line_kind kind) {
    static char words[32];
    int count = printed.lines[kind].unlogged;
    if (count == 0)
        return "";
    (void)snprintf(words, sizeof words, ", %d more unlogged", count);
    return words;
}

const char *status_words(int status) {
    static char words[32];
    int code = status / 256;
    int signo = status % 256;
    if (signo != 0)
        (void)snprintf(words, sizeof words, "killed by signal %d", signo);
    else if (code == 0)
        return "client disconnected";
    else if (code == 4)
        return "connection reset";
    else if (code == 5)
        return "timed out";
    else
        (void)snprintf(words, sizeof words, "exited %d", code);
    return words;
}

void expect_totals(void) {
    printed.totals_due = true;
}

void note_failure(const char *call, int error, enum diagnostic diagnostic) {
    check_failure();
    if (diagnostic != diagnostic_wrong) {
        bool at_once = diagnostic == diagnostic_at_once;
        enum line_kind kind = at_once ? fatal_line : failure_line;
        expect_line(kind, "%s: %s", call, strerror(error));
        if (diagnostic == diagnostic_right)
            printed.lines[kind].due = false;
    }
    errno = error;
}

void check_failure(void) {
    check_line(failure_line);
    check_line(fatal_line);
}

// ---- what comes ------------------------------------------------------------

static bool is_text(const char *text, const char *bytes, size_t size) {
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

static void check_totals(const char *bytes, size_t size) {
    char text[128];
    (void)snprintf(text, sizeof text,
                   "served %d, live %d, refused %d, fork failures %d, "
                   "lines lost %lu",
                   kernel.served, kernel.own, kernel.refused,
                   kernel.fork_failures, log_lines_lost());
    must(is_text(text, bytes, size));
    printed.totals_unasked = !printed.totals_due;
    printed.totals_due = false;
    printed.totals_last = true;
}

static void check_written(int fd, const char *bytes, size_t size) {
    must(size > 0 && bytes[size - 1] == '\n');
    size--;
    must((*bytes == '\n') == torn[fd]); // which ends the torn line
    if (torn[fd]) {
        bytes++;
        size--;
    }
    printed.totals_last = false;
    for (struct expected_line &line : printed.lines)
        if (line.fd == fd && line.right && is_text(line.text, bytes, size)) {
            tell(&line);
            return;
        }
    must(fd == STDOUT_FILENO);
    check_totals(bytes, size);
}

int modelled_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    int fd = fds->fd;
    must(count == 1 && fds->events == POLLOUT && milliseconds == 0);
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    printed.asked = fd;
    struct expected_line *next = nullptr;
    int candidates = 0;
    for (struct expected_line &line : printed.lines)
        if (line.fd == fd && line.right) {
            next = &line;
            candidates++;
        }
    // Only a line that is certain can be lost. A line about a client comes at
    // once, before the statistics.
    bool certain = fd == STDOUT_FILENO || candidates == 1;
    if (!printed.broken || !certain || take_control(kernel.input) % 4 != 1)
        return 1;
    printed.lost++;
    if (next != nullptr)
        tell(next);
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
    must(which == ITIMER_REAL && before == nullptr);
    printed.timer_set = timerisset(&value->it_value);
    // It may expire before write(2) blocks, and must then expire again.
    must(!printed.timer_set ||
         (is_short(&value->it_value) && is_short(&value->it_interval)));
    return 0;
}

ssize_t modelled_write(int fd, const void *bytes, size_t size) {
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    must(printed.asked == fd && printed.timer_set); // or it may block
    printed.asked = nobody;
    check_written(fd, static_cast<const char *>(bytes), size);
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
    must(!printed.totals_due && !printed.timer_set);
    for (int kind = 0; kind < line_kinds; kind++)
        check_line(static_cast<enum line_kind>(kind));
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
