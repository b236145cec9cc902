// SPDX-License-Identifier: MIT
// log - what a forking server prints: each line at its moment, no other, and
// errors once a second at most.
#pragma once

#include <poll.h>
#include <sys/time.h>
#include <sys/types.h>

// Makes the log new. A broken one drops lines and parts of lines.
void open_log(bool broken);

// What poll(2) and write(2) do on standard output and error, and the timer that
// keeps write(2) from blocking.
int modelled_poll(struct pollfd *fds, nfds_t count, int milliseconds);
int modelled_setitimer(int which, const struct itimerval *value,
                       struct itimerval *before);
ssize_t log_write(int fd, const char *line, size_t size);

// From now on until check_log() that one line is due, unless the server is
// quiet. A refusal is due at most once a second.
void expect_client_line(int client, pid_t pid);
void expect_refusal_line(int client);
void expect_removal_line(pid_t pid, int status);
void expect_totals(void);

// The limit has been reached: the line about it is due, at most once a minute,
// also from a quiet server.
void expect_full_line(void);

// PID ended with STATUS as no child ends by itself: until check_crash_line() a
// line about it is due, at most once a second, also from a quiet server.
void expect_crash_line(pid_t pid, int status);
void check_crash_line(void);

// Whether a failure is to be complained of.
enum complaint {
    complaint_wrong,
    complaint_right,  // but not asked for
    complaint_due,    // unless there was another within a second
    complaint_at_once // always
};

// CALL has failed with ERROR: a line on standard error, until the next
// check_complaint(), can only be about that.
void note_failure(const char *call, int error, enum complaint complaint);
void check_complaint(void);

// Before a wait: no line is due any more, none was too early, and errors were
// told once a second at most.
void check_log(void);

// The last line was the totals, and as many were lost as the log says.
void check_log_end(void);
