// SPDX-License-Identifier: MIT
// log - lines on standard output and error, each one write(2).
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "die.h"
#include "log.h"
#include "stream.h"

constexpr size_t say_size = 4096;
constexpr size_t line_size = 512; // below PIPE_BUF: a pipe takes all or nothing

enum sink_kind {
    sink_plain,   // a write may wait: ask poll(2) first
    sink_instant, // non-blocking, or a file, which makes nobody wait
    sink_socket   // send(2) takes the wish not to wait with each call
};

struct sink {
    int fd;
    enum sink_kind kind;
    bool torn; // the last line was cut: the next must not run into it
};

static struct sink output = {STDOUT_FILENO, sink_plain, false};
static struct sink errors = {STDERR_FILENO, sink_plain, false};
static unsigned long lines_lost;

// The length of a line of SIZE bytes at most that ends in a newline.
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

// Gives SINK an open file description of its own, for O_NONBLOCK belongs to
// the description, and others (the shell, a pipe's other writers) share it.
static void open_anew(struct sink *sink) {
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", sink->fd);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd == -1)
        return;
    if (dup2(fd, sink->fd) != -1)
        sink->kind = sink_instant;
    (void)close(fd); // the duplicate at its old number stays
}

static void open_sink(struct sink *sink) {
    struct stat status;
    if (fstat(sink->fd, &status) == -1)
        return;
    if (S_ISSOCK(status.st_mode))
        sink->kind = sink_socket;
    else if (S_ISREG(status.st_mode))
        sink->kind = sink_instant;
    else if (S_ISFIFO(status.st_mode) || isatty(sink->fd))
        open_anew(sink);
}

void log_open(void) {
    open_sink(&output);
    open_sink(&errors);
}

static bool would_wait(const struct sink *sink) {
    struct pollfd poll_fd = {.fd = sink->fd, .events = POLLOUT, .revents = 0};
    return poll(&poll_fd, 1, 0) != 1;
}

static ssize_t write_now(const struct sink *sink, const char *line, size_t n) {
    if (sink->kind == sink_socket)
        return send(sink->fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sink->kind == sink_plain && would_wait(sink))
        return -1;
    return write(sink->fd, line, n);
}

// LINE holds a newline and then N bytes that end in one.
static void put_line(struct sink *sink, const char *line, size_t n) {
    const char *start = sink->torn ? line : line + 1;
    size_t length = sink->torn ? n + 1 : n;
    ssize_t written = write_now(sink, start, length);
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

void log_error(const char *format, ...) {
    const char *why = strerror(errno);
    char what[line_size / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments); // may be cut
    va_end(arguments);
    char line[1 + line_size] = "\n";
    int n = snprintf(line + 1, line_size, "%s: %s: %s",
                     program_invocation_short_name, what, why);
    put_line(&errors, line, end_line(line + 1, line_size, n));
}

unsigned long log_lines_lost(void) {
    return lines_lost;
}
