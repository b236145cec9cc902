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

// The lines, except for the statistics. A quiet server omits the first two.
enum line_kind {
    client_line,  // a connection, or the end of a child
    refusal_line, // at most once a second
    limit_line,   // at most once a minute
    crash_line,   // at most once a second
    failure_line, // at most once a second
    fatal_line,   // the failure that makes the listener useless
    line_kinds
};

// Until check_log(), this line of KIND may come, and must come if its rate
// allows it. FORMAT is printf(3)'s.
[[gnu::format(printf, 2, 3)]] void expect_line(enum line_kind kind,
                                               const char *format, ...);

// What the next line of KIND says about those suppressed before it.
const char *unlogged(enum line_kind kind);

// The manual page's words for a child's wait STATUS; valid until the next call.
const char *status_words(int status);

// From now on no line of KIND may come. Checks that none is still due.
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
