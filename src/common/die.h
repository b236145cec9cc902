// SPDX-License-Identifier: MIT
// die - diagnostics on standard error, and exit statuses.
#pragma once

// The exit statuses of the programs; 0 is success.
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

// Writes "PROGRAM: MESSAGE: strerror(errno)" as one line to standard error.
// MESSAGE is formatted as by printf(3) and cut at 511 bytes.
[[gnu::format(printf, 1, 2)]] void warn(const char *format, ...);

// As warn(), without errno: "PROGRAM: MESSAGE".
[[gnu::format(printf, 1, 2)]] void warn_plain(const char *format, ...);

// As warn(), then calls _exit(2) with status 1. Neither flushes a buffer nor
// runs an exit handler, so that a child may call it too.
[[noreturn, gnu::format(printf, 1, 2)]] void die(const char *format, ...);

// As warn_plain(), then exits like die().
[[noreturn, gnu::format(printf, 1, 2)]] void die_plain(const char *format, ...);

// As die_plain(), with exit status 2, and USAGE after the message; USAGE has no
// final newline.
[[noreturn, gnu::format(printf, 2, 3)]] void die_usage(const char *usage,
                                                       const char *format, ...);
