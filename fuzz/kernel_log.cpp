// SPDX-License-Identifier: MIT
// kernel_log - what a forking server prints: each line at its moment, no other,
// and errors once a second at most.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "expected.h"
#include "kernel.h"
#include "log.h"
#include "peers.h"

constexpr int ms_between_errors = 1000;
constexpr int ms_between_full_lines = 60000;
constexpr int most_ms_to_write = 100;

static struct {
    bool broken;
    struct expected_line due; // a line of a client; empty for none
    bool totals_due;          // after SIGUSR1
    bool totals_last;         // nothing was printed since
    bool totals_unasked;
    bool full_due;   // the limit has been reached, and none has told it lately
    bool full_right; // it has been reached since the last wait
    int64_t full_told_at;
    int asked; // whether it would take a line: a descriptor, or nobody
    bool timer_set;
    const char *failed_call; // that a line may be about; null for none
    int failure;
    enum complaint complaint;
    int64_t complained_at;
    int errors;
    unsigned long lost, lost_before;
} printed;

// By descriptor: its last line was cut. The log outlives a run, so this does.
static bool torn[STDERR_FILENO + 1];

void open_log(bool broken) {
    printed = {};
    printed.broken = broken;
    printed.asked = nobody;
    printed.complained_at = -ms_between_errors;
    printed.full_told_at = -ms_between_full_lines;
    printed.lost_before = log_lines_lost();
}

// ---- what is due -----------------------------------------------------------

// Where to write the next line, null if it is a quiet server's.
static struct expected_line *next_due(void) {
    must(printed.due.size == 0);
    return kernel.settings.quiet ? nullptr : &printed.due;
}

void expect_client_line(int client, pid_t pid) {
    struct expected_line *line = next_due();
    if (line == nullptr)
        return;
    add(line, "new client connected... ");
    add_peer(line, kernel.address_of[client], client);
    add(line, " (pid ");
    add_number(line, pid);
    add(line, ")\n");
}

void expect_refusal_line(int client) {
    struct expected_line *line = next_due();
    if (line == nullptr)
        return;
    add(line, "client refused... ");
    add_peer(line, kernel.address_of[client], client);
    add(line, " (");
    add_number(line, kernel.settings.clients_per_address);
    add(line, " from this address)\n");
}

// In the words that the manual page has for what a child exits with.
static void add_end(struct expected_line *line, int status) {
    int code = status / 256;
    int signo = status % 256;
    if (signo != 0) {
        add(line, "killed by signal ");
        add_number(line, signo);
    } else if (code == 0) {
        add(line, "client disconnected");
    } else if (code == 4) {
        add(line, "connection reset");
    } else if (code == 5) {
        add(line, "timed out");
    } else {
        add(line, "exited ");
        add_number(line, code);
    }
}

void expect_removal_line(pid_t pid, int status) {
    struct expected_line *line = next_due();
    if (line == nullptr)
        return;
    add(line, "removed proc id: ");
    add_number(line, pid);
    add(line, " (");
    add_end(line, status);
    add(line, ")\n");
}

void expect_totals(void) {
    printed.totals_due = true;
}

void expect_full_line(void) {
    printed.full_right = true;
    printed.full_due =
        kernel.clock - printed.full_told_at >= ms_between_full_lines;
}

void note_failure(const char *call, int error, enum complaint complaint) {
    printed.failed_call = complaint == complaint_wrong ? nullptr : call;
    printed.failure = error;
    printed.complaint = complaint;
}

// ---- what comes ------------------------------------------------------------

static void check_totals(const char *line, size_t size) {
    struct expected_line totals;
    totals.size = 0;
    add(&totals, "served ");
    add_number(&totals, kernel.served);
    add(&totals, ", live ");
    add_number(&totals, kernel.own);
    add(&totals, ", refused ");
    add_number(&totals, kernel.refused);
    add(&totals, ", fork failures ");
    add_number(&totals, kernel.fork_failures);
    add(&totals, ", lines lost ");
    add_number(&totals, static_cast<long>(log_lines_lost()));
    add(&totals, "\n");
    must(is_line(&totals, line, size));
    printed.totals_unasked = !printed.totals_due;
    printed.totals_due = false;
    printed.totals_last = true;
}

static void note_complaint(void) {
    must(printed.failed_call != nullptr);
    printed.failed_call = nullptr;
    printed.complaint = complaint_right;
    printed.complained_at = kernel.clock;
}

// What stands on standard error, or is lost. After a fork nothing fails any
// more, so that a complaint comes before the line about the limit.
static void note_error_line(void) {
    if (!printed.full_right) {
        note_complaint();
        return;
    }
    must(kernel.clock - printed.full_told_at >= ms_between_full_lines);
    printed.full_told_at = kernel.clock;
    printed.full_due = false;
    printed.full_right = false;
}

static void check_error_line(const char *bytes, size_t size) {
    struct expected_line line;
    line.size = 0;
    add(&line, program_invocation_short_name);
    add(&line, ": ");
    if (printed.full_right) {
        add(&line, "clients: limit of ");
        add_number(&line, kernel.limit);
        add(&line, " reached, others wait in the backlog\n");
    } else {
        must(printed.failed_call != nullptr);
        add(&line, printed.failed_call);
        add(&line, ": ");
        add(&line, strerror(printed.failure));
        add(&line, "\n");
        printed.errors++;
    }
    must(is_line(&line, bytes, size));
    note_error_line();
}

static void check_line(int fd, const char *line, size_t size) {
    must(size > 0 && line[size - 1] == '\n');
    must((*line == '\n') == torn[fd]); // which parts it from the torn one
    if (torn[fd]) {
        line++;
        size--;
    }
    printed.totals_last = false;
    if (fd == STDERR_FILENO) {
        check_error_line(line, size);
        return;
    }
    if (*line == 's') {
        check_totals(line, size);
        return;
    }
    must(is_line(&printed.due, line, size));
    printed.due.size = 0;
}

int log_poll(int fd) {
    printed.asked = fd;
    if (!printed.broken || take_control(kernel.input) % 4 != 1)
        return 1;
    printed.lost++;
    // A client's line comes at once, before the totals.
    if (fd == STDERR_FILENO)
        note_error_line();
    else if (printed.due.size > 0)
        printed.due.size = 0;
    else
        printed.totals_due = false;
    return 0;
}

static bool is_short(const struct timeval *time) {
    return time->tv_sec == 0 && time->tv_usec > 0 &&
           time->tv_usec <= most_ms_to_write * 1000;
}

void log_set_timer(const struct itimerval *value) {
    printed.timer_set = timerisset(&value->it_value);
    // It may expire before write(2) blocks, and must do so again.
    must(!printed.timer_set ||
         (is_short(&value->it_value) && is_short(&value->it_interval)));
}

ssize_t log_write(int fd, const char *line, size_t size) {
    must(printed.asked == fd && printed.timer_set); // else it may block
    printed.asked = nobody;
    check_line(fd, line, size);
    unsigned choice = printed.broken ? take_control(kernel.input) % 4 : 0;
    if (choice == 0) {
        torn[fd] = false;
        return static_cast<ssize_t>(size);
    }
    printed.lost++;
    if (choice == 1) {
        errno = EINTR; // by the timer
        return -1;
    }
    torn[fd] = true;
    return static_cast<ssize_t>(size / 2);
}

void check_complaint(void) {
    // Where time passes between the calls, nobody can know when the server
    // looked at its clock.
    bool due = printed.complaint == complaint_due && !kernel.busy &&
               kernel.clock - printed.complained_at >= ms_between_errors;
    must(!due && printed.complaint != complaint_at_once);
    printed.failed_call = nullptr;
    printed.complaint = complaint_right;
}

// What holds whenever a server waits or ends.
static void check_lines(void) {
    must(printed.due.size == 0 && !printed.totals_due && !printed.full_due);
    must(!printed.timer_set);
    printed.full_right = false;
    int64_t seconds = (kernel.clock - kernel.started_at) / ms_between_errors;
    // The word on a listener that is no use any more is said at once.
    must(printed.errors <= 1 + seconds + kernel.hopeless);
    check_complaint();
}

void check_log(void) {
    must(!printed.totals_unasked);
    check_lines();
}

void check_log_end(void) {
    check_lines();
    must(printed.broken || printed.totals_last);
    must(log_lines_lost() - printed.lost_before == printed.lost);
}
