// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/die.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/stream.h"

constexpr size_t say_size = 4096;
constexpr size_t line_size = 512; // below PIPE_BUF: a pipe takes all or nothing

enum sink_kind {
    sink_blocking,    // a write may block
    sink_nonblocking, // O_NONBLOCK, or a regular file
    sink_socket       // send(2) has MSG_DONTWAIT
};

struct sink {
    int fd;
    enum sink_kind kind;
    bool torn; // the last line was cut: begin the next with a newline
};

static struct sink output = {STDOUT_FILENO, sink_blocking, false};
static struct sink errors = {STDERR_FILENO, sink_blocking, false};
static unsigned long lines_lost;

// Ends LINE, of SIZE bytes at most, with a newline; returns its length.
static size_t end_line(char *line, size_t size, int length) {
    size_t n = length < 0 ? 0 : static_cast<size_t>(length);
    if (n > size - 2)
        n = size - 2;
    line[n] = '\n';
    return n + 1;
}

void say(const char *format, ...) {
    char line[say_size];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (write_all(STDOUT_FILENO, line, end_line(line, sizeof line, n)) == -1)
        die("standard output");
}

// Gives FD an open file description of its own, because O_NONBLOCK would affect
// every process that shares the old one. A read-only FD must stay read-only.
static bool reopen(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY)
        return false;
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own == -1)
        return false;
    bool replaced = dup2(own, fd) != -1;
    (void)close(own); // the duplicate stays open
    return replaced;
}

// Not by reopen(): processes that share the old description would overwrite the
// log, from the offset that they share.
static void append(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags != -1)
        (void)fcntl(fd, F_SETFL, flags | O_APPEND); // or stays as it is
}

static void open_sink(struct sink *sink) {
    struct stat status;
    if (fstat(sink->fd, &status) == -1)
        return;
    bool regular = S_ISREG(status.st_mode);
    if (regular)
        append(sink->fd);
    if (S_ISSOCK(status.st_mode))
        sink->kind = sink_socket;
    else if (regular || reopen(sink->fd))
        sink->kind = sink_nonblocking;
}

// Empty: being called is enough to interrupt write(2).
static void interrupt_write(int) {
}

int log_open(void) {
    open_sink(&output);
    open_sink(&errors);
    if (output.kind != sink_blocking && errors.kind != sink_blocking)
        return 0;
    return set_signal(SIGALRM, interrupt_write);
}

// After poll(2) there may be room for a part of the line only. The timer
// repeats, because it may first expire just before write(2) blocks.
static ssize_t write_briefly(int fd, const char *line, size_t n) {
    constexpr struct timeval moment = {.tv_sec = 0, .tv_usec = 100000};
    constexpr struct itimerval expire = {moment, moment};
    constexpr struct itimerval stop = {};
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT, .revents = 0};
    if (poll(&poll_fd, 1, 0) != 1)
        return -1;
    (void)setitimer(ITIMER_REAL, &expire, nullptr); // cannot fail
    ssize_t written = write(fd, line, n);
    (void)setitimer(ITIMER_REAL, &stop, nullptr);
    return written;
}

static ssize_t write_line(const struct sink *sink, const char *line, size_t n) {
    switch (sink->kind) {
    case sink_socket:
        return send(sink->fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    case sink_nonblocking:
        return write(sink->fd, line, n);
    default:
        return write_briefly(sink->fd, line, n);
    }
}

// LINE is a newline followed by N bytes, which end in one.
static void put_line(struct sink *sink, const char *line, size_t n) {
    const char *start = sink->torn ? line : line + 1;
    size_t length = sink->torn ? n + 1 : n;
    ssize_t written = write_line(sink, start, length);
    if (written == static_cast<ssize_t>(length)) {
        sink->torn = false;
        return;
    }
    lines_lost++;
    if (written > 0)
        sink->torn = true;
}

void log_line(const char *format, ...) {
    char line[1 + line_size] = "\n";
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line + 1, line_size, format, arguments);
    va_end(arguments);
    put_line(&output, line, end_line(line + 1, line_size, n));
}

[[gnu::format(printf, 2, 0)]] static void
put_error(const char *why, const char *format, va_list arguments) {
    char what[line_size / 2];
    (void)vsnprintf(what, sizeof what, format, arguments); // may truncate
    char line[1 + line_size] = "\n";
    int n = snprintf(line + 1, line_size, "%s: %s%s%s",
                     program_invocation_short_name, what,
                     why[0] == '\0' ? "" : ": ", why);
    put_line(&errors, line, end_line(line + 1, line_size, n));
}

void log_error(const char *format, ...) {
    const char *why = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    put_error(why, format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put_error("", format, arguments);
    va_end(arguments);
}

unsigned long log_lines_lost(void) {
    return lines_lost;
}
