// SPDX-License-Identifier: MIT
// log - what a forking server prints: each line in its place, no other line,
// and those that may come in floods at most once a second.
#pragma once

#include <poll.h>
#include <sys/time.h>
#include <sys/types.h>

// Resets the log. A BROKEN one drops lines and parts of lines.
void open_log(bool broken);

// poll(2) and write(2) on standard output and error, and the timer that keeps
// write(2) from blocking.
int modelled_poll(struct pollfd *fds, nfds_t count, int milliseconds);
int modelled_setitimer(int which, const struct itimerval *value,
                       struct itimerval *before);
ssize_t modelled_write(int fd, const void *bytes, size_t size);

// The lines, but for the statistics. Limit, crash and failures are told even if
// the server is quiet.
enum line_kind {
    client_line,  // a connection or the end of a child
    refusal_line, // at most once a second
    limit_line,   // at most once a minute
    crash_line,   // at most once a second
    failure_line, // at most once a second
    fatal_line,
    line_kinds
};

// A line of KIND, formatted as by printf(3), is due until check_log(), or as
// soon as its rate allows it. It may come only until then, too.
[[gnu::format(printf, 2, 3)]] void expect_line(enum line_kind kind,
                                               const char *format, ...);

// What the next line of KIND says about those suppressed before it.
const char *unlogged(enum line_kind kind);

// The manual page's words for a child's wait STATUS; valid until the next call.
const char *status_words(int status);

// A line of KIND is no longer due; it has come if it had to.
void check_line(enum line_kind kind);

// SIGUSR1 has come: until check_log() the statistics are due.
void expect_totals(void);

// Whether a failure may or must be reported.
enum diagnostic {
    diagnostic_wrong,
    diagnostic_right,  // allowed, but not required
    diagnostic_due,    // unless another was written within a second
    diagnostic_at_once // always
};

// CALL has failed with ERROR: until check_failure(), a line on standard error
// can only be about that. Sets errno to ERROR.
void note_failure(const char *call, int error, enum diagnostic diagnostic);
void check_failure(void);

// Before a wait: no line is still due, and none was too early.
void check_log(void);

// The last line was the statistics, and its number of lost lines is right.
void check_log_end(void);
