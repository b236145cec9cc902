// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/die.h"
#include "common/stream.h"

constexpr size_t message_size = 512;

// One write(2), so that messages of parent and child do not mix.
[[gnu::format(printf, 3, 0)]] static void diagnose(const char *why,
                                                   const char *usage,
                                                   const char *format,
                                                   va_list arguments) {
    char message[message_size] = {};
    char line[3 * message_size] = {};
    (void)vsnprintf(message, sizeof message, format, arguments); // may truncate
    int n = snprintf(line, sizeof line, "%s: %s%s%s%s%s\n",
                     program_invocation_short_name, message,
                     why[0] == '\0' ? "" : ": ", why,
                     usage[0] == '\0' ? "" : "\n", usage);
    if (n >= static_cast<int>(sizeof line))
        n = static_cast<int>(sizeof line) - 1;
    if (n > 0) // a failure shows only in the exit status
        (void)write_all(STDERR_FILENO, line, static_cast<size_t>(n));
}

void warn(const char *format, ...) {
    const char *why = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    diagnose(why, "", format, arguments);
    va_end(arguments);
}

void warn_plain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diagnose("", "", format, arguments);
    va_end(arguments);
}

void die(const char *format, ...) {
    const char *why = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    diagnose(why, "", format, arguments);
    va_end(arguments);
    _exit(exit_failed);
}

void die_plain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diagnose("", "", format, arguments);
    va_end(arguments);
    _exit(exit_failed);
}

void die_usage(const char *usage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diagnose("", usage, format, arguments);
    va_end(arguments);
    _exit(exit_usage);
}
