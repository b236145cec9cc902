// SPDX-License-Identifier: MIT
// die - a program's last words on standard error, and its exit status.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/die.h"
#include "common/stream.h"

constexpr size_t message_size = 512;

// One write(2) for one message, so that parent and child never mix theirs.
[[gnu::format(printf, 3, 0)]] static void complain(const char *why,
                                                   const char *usage,
                                                   const char *format,
                                                   va_list arguments) {
    char message[message_size] = {};
    char line[3 * message_size] = {};
    (void)vsnprintf(message, sizeof message, format, arguments); // may be cut
    int n = snprintf(line, sizeof line, "%s: %s%s%s%s%s\n",
                     program_invocation_short_name, message,
                     why[0] == '\0' ? "" : ": ", why,
                     usage[0] == '\0' ? "" : "\n", usage);
    if (n >= static_cast<int>(sizeof line))
        n = static_cast<int>(sizeof line) - 1;
    if (n > 0) // where it fails, nobody is left to tell but by the exit status
        (void)write_all(STDERR_FILENO, line, static_cast<size_t>(n));
}

void warn(const char *format, ...) {
    const char *why = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    complain(why, "", format, arguments);
    va_end(arguments);
}

void warn_plain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain("", "", format, arguments);
    va_end(arguments);
}

void die(const char *format, ...) {
    const char *why = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    complain(why, "", format, arguments);
    va_end(arguments);
    _exit(exit_failed);
}

void die_plain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain("", "", format, arguments);
    va_end(arguments);
    _exit(exit_failed);
}

void die_usage(const char *usage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain("", usage, format, arguments);
    va_end(arguments);
    _exit(exit_usage);
}
