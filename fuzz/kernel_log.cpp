// SPDX-License-Identifier: MIT
// kernel_log - what a forking server prints: each line at its moment, no other,
// and errors once a second at most.
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expected.h"
#include "kernel.h"
#include "log.h"
#include "peers.h"

constexpr int ms_between_errors = 1000;

static struct {
    bool broken;
    struct expected_line due; // a line of a client; empty for none
    bool totals_due;          // after SIGUSR1
    bool totals_last;         // nothing was printed since
    int errors;
    unsigned long lost, lost_before;
} printed;

void open_log(bool broken) {
    printed.broken = broken;
    printed.due.size = 0;
    printed.totals_due = false;
    printed.totals_last = false;
    printed.errors = 0;
    printed.lost = 0;
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
    printed.totals_due = false;
    printed.totals_last = true;
}

static void check_line(const char *line, size_t size) {
    must(size > 0 && line[size - 1] == '\n');
    if (*line == '\n') { // it parts this line from one that was torn before
        line++;
        size--;
    }
    if (*line == 's') {
        check_totals(line, size);
        return;
    }
    must(is_line(&printed.due, line, size));
    printed.due.size = 0;
}

// The line is lost, and so it is not due any more.
static void lose(int fd) {
    printed.lost++;
    if (fd == STDOUT_FILENO) {
        printed.due.size = 0;
        printed.totals_due = false;
    }
    errno = EAGAIN;
}

int log_poll(int fd) {
    if (!printed.broken || take_control(kernel.input) % 4 != 1)
        return 1;
    lose(fd);
    return 0;
}

ssize_t log_write(int fd, const char *line, size_t size) {
    printed.totals_last = false;
    unsigned choice = printed.broken ? take_control(kernel.input) % 4 : 0;
    if (fd == STDOUT_FILENO && choice == 0)
        check_line(line, size);
    else if (fd == STDERR_FILENO)
        printed.errors++;
    if (choice == 0)
        return static_cast<ssize_t>(size);
    lose(fd);
    return choice == 1 ? -1 : static_cast<ssize_t>(size / 2);
}

void check_log(void) {
    must(printed.due.size == 0 && !printed.totals_due);
    int64_t seconds = (kernel.clock - kernel.started_at) / ms_between_errors;
    // The word on a listener that is no use any more is said at once.
    must(printed.errors <= 1 + seconds + kernel.hopeless);
}

void check_log_end(void) {
    must(printed.broken || printed.totals_last);
    must(log_lines_lost() - printed.lost_before == printed.lost);
}
