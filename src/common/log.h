// SPDX-License-Identifier: MIT
// log - lines on standard output and error, each by one write(2). A
// demonstration's say() fails if it cannot write; a server's log never holds it
// up, and counts the lines it lost.
#pragma once

// Writes one line, formatted as by printf(3) with a newline added, to standard
// output. Waits until it is written; on failure calls die(). Nothing is
// buffered, so that fork(2) duplicates nothing. A line has at most 4095 bytes.
[[gnu::format(printf, 1, 2)]] void say(const char *format, ...);

// Prepares standard output and error for the functions below. A regular file
// gets O_APPEND, so that after truncation the log begins at its start. A pipe,
// terminal or other device is reopened through /proc/self/fd with O_NONBLOCK:
// the flags of the inherited open file description are shared with other
// processes. If that fails (no /proc, another user's pipe or terminal), each
// write follows a poll(2) and is interrupted by a timer, for which SIGALRM gets
// a handler. Returns 0, or -1 with sigaction(2)'s errno.
int log_open(void);

// Writes one line like say(), of at most 511 bytes, but does not block: a line
// that is dropped or torn is counted. Where log_open() could not reopen the
// output, it may block for a tenth of a second.
[[gnu::format(printf, 1, 2)]] void log_line(const char *format, ...);

// As log_line(), to standard error: "PROGRAM: MESSAGE: strerror(errno)".
[[gnu::format(printf, 1, 2)]] void log_error(const char *format, ...);

// As log_error(), without errno: "PROGRAM: MESSAGE".
[[gnu::format(printf, 1, 2)]] void log_warning(const char *format, ...);

// The number of lines lost so far, on both.
unsigned long log_lines_lost(void);
