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
ssize_t log_write(int fd, const char *line, size_t size);

// Until check_log() that one line is due, unless the server is quiet. A refusal
// is due at most once a second.
void expect_client_line(int client, pid_t pid);
void expect_refusal_line(int client);
void expect_removal_line(pid_t pid, int status);

// The same, even if the server is quiet. The limit is due at most once a
// minute.
void expect_totals(void);
void expect_limit_line(void);

// PID ended with STATUS, as no child should: until check_crash_line() a line
// about it is due, at most once a second, even if the server is quiet.
void expect_crash_line(pid_t pid, int status);
void check_crash_line(void);

// Whether a failure may or must be reported.
enum diagnostic {
    diagnostic_wrong,
    diagnostic_right,  // allowed, but not required
    diagnostic_due,    // unless another was written within a second
    diagnostic_at_once // always
};

// CALL has failed with ERROR: until check_diagnostic(), a line on standard
// error can only be about that. Sets errno to ERROR.
void note_failure(const char *call, int error, enum diagnostic diagnostic);
void check_diagnostic(void);

// Before a wait: no line is still due, and none was too early.
void check_log(void);

// The last line was the statistics, and its number of lost lines is right.
void check_log_end(void);
