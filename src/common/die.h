// SPDX-License-Identifier: MIT
// die - a program's last words on standard error, and its exit status.
#pragma once

// What the programs exit with; 0 is success.
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

// Writes "PROGRAM: MESSAGE: strerror(errno)" to standard error as one line,
// MESSAGE made as by printf(3); one over 511 bytes is cut short.
[[gnu::format(printf, 1, 2)]] void warn(const char *format, ...);

// As warn(), for what has no errno: "PROGRAM: MESSAGE".
[[gnu::format(printf, 1, 2)]] void warn_plain(const char *format, ...);

// As warn(), and ends the process with _exit(2), status 1. Flushes nothing and
// runs no exit handler, so that a child may call it as well as its parent.
[[noreturn, gnu::format(printf, 1, 2)]] void die(const char *format, ...);

// As warn_plain(), and ends the process like die().
[[noreturn, gnu::format(printf, 1, 2)]] void die_plain(const char *format, ...);

// As die_plain(), for wrong usage: the lines of USAGE, the last one without its
// newline, follow the message; status 2.
[[noreturn, gnu::format(printf, 2, 3)]] void die_usage(const char *usage,
                                                       const char *format, ...);
