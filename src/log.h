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

// Makes standard output and error ready for log_line() and log_error(): a
// pipe, FIFO or terminal is opened anew through /proc/self/fd, non-blocking,
// in place of the inherited one, whose mode is shared with other processes
// and stays as it is. Where that cannot be done (no /proc, another user's
// terminal) each write is preceded by poll(2).
void log_open(void);

// Writes one line, made as by printf(3), its newline added, to standard
// output, or drops it when that would wait or fail; a dropped or torn line is
// counted. Never blocks, never fails. A line is at most 511 bytes.
[[gnu::format(printf, 1, 2)]] void log_line(const char *format, ...);

// As log_line(), to standard error: "PROGRAM: MESSAGE: strerror(errno)".
[[gnu::format(printf, 1, 2)]] void log_error(const char *format, ...);

// How many lines of both kinds have been lost since the process began.
unsigned long log_lines_lost(void);
