// SPDX-License-Identifier: MIT
// log - lines on standard output and error, each one write(2). A demonstration
// says its lines and fails where it cannot; a server's log must never hold it
// up, and counts what it lost.
#pragma once

// Writes one line, made as by printf(3), its newline added, to standard
// output and waits until it is written; or die()s naming standard output: for
// a program whose lines are its purpose, a lost line is a failure. Nothing is
// buffered, so a fork duplicates nothing. A line is at most 4095 bytes.
[[gnu::format(printf, 1, 2)]] void say(const char *format, ...);

// Makes standard output and error ready for the functions below. A regular
// file's description gets O_APPEND, so that the log goes on at the start of a
// file that was truncated. A pipe, terminal or other device is reopened through
// /proc/self/fd, with O_NONBLOCK, in place of the inherited description, whose
// flags are shared with other processes and stay as they are. Where that fails
// (no /proc, a pipe or terminal of another user) each write is preceded by
// poll(2) and cut short by a timer: SIGALRM is then handled, and the handler
// does nothing. Returns 0, or -1 with sigaction(2)'s errno.
int log_open(void);

// Writes one line, made as by printf(3), its newline added, to standard
// output, or drops it when that would block or fail; a dropped or torn line is
// counted. Never blocks for longer than a tenth of a second, and only where
// log_open() could not reopen the output. A line is at most 511 bytes.
[[gnu::format(printf, 1, 2)]] void log_line(const char *format, ...);

// As log_line(), to standard error: "PROGRAM: MESSAGE: strerror(errno)".
[[gnu::format(printf, 1, 2)]] void log_error(const char *format, ...);

// As log_error(), for what has no errno: "PROGRAM: MESSAGE".
[[gnu::format(printf, 1, 2)]] void log_warning(const char *format, ...);

// How many lines of both kinds have been lost since the process began.
unsigned long log_lines_lost(void);
