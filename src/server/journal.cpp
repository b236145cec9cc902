// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sockets.h"
#include "server/child.h"
#include "server/journal.h"

constexpr int flood_ms = 1000;  // between two lines that may come in floods
constexpr int limit_ms = 60000; // between two lines about the limit
constexpr size_t unlogged_text_size = 48;

// Whether to write LINE now, rather than suppress it. If so, the next is due
// after MILLISECONDS.
static bool is_due(struct sparse_line *line, int milliseconds) {
    int64_t now = now_ms();
    if (now < line->due_at) {
        line->unlogged++;
        return false;
    }
    line->due_at = now + milliseconds;
    return true;
}

// Describes the suppressed lines in TEXT, and resets their number.
static void count_unlogged(struct sparse_line *line,
                           char text[unlogged_text_size]) {
    text[0] = '\0';
    if (line->unlogged > 0)
        (void)snprintf(text, unlogged_text_size, ", %lu more unlogged",
                       line->unlogged);
    line->unlogged = 0;
}

void journal_connected(const struct journal *journal, const union address *peer,
                       pid_t pid) {
    if (journal->quiet)
        return;
    char address[address_text_size];
    format_address(peer, address);
    log_line("new client connected... %s (pid %d)", address, pid);
}

void journal_removed(struct journal *journal, pid_t pid, int status,
                     bool killing) {
    char words[status_text_size];
    describe_child(status, words);
    if (!journal->quiet)
        log_line("removed proc id: %d (%s)", pid, words);
    bool killed = killing && WTERMSIG(status) == SIGKILL;
    if (killed || !child_crashed(status) || !is_due(&journal->crash, flood_ms))
        return;
    char unlogged[unlogged_text_size];
    count_unlogged(&journal->crash, unlogged);
    log_warning("child %d: %s%s", pid, words, unlogged);
}

void journal_refused(struct journal *journal, const union address *peer,
                     int limit) {
    journal->refused++;
    if (journal->quiet || !is_due(&journal->refusal, flood_ms))
        return;
    char address[address_text_size];
    char unlogged[unlogged_text_size];
    format_address(peer, address);
    count_unlogged(&journal->refusal, unlogged);
    log_line("client refused... %s (%d from this address%s)", address, limit,
             unlogged);
}

void journal_limit(struct journal *journal, int limit) {
    if (is_due(&journal->limit, limit_ms))
        log_warning("clients: limit of %d reached, others wait in the backlog",
                    limit);
}

void journal_failed(struct journal *journal, const char *call) {
    int reason = errno; // now_ms() may change it
    if (!is_due(&journal->failure, flood_ms))
        return;
    errno = reason;
    log_error("%s", call);
}

void journal_statistics(const struct journal *journal, int live) {
    log_line("served %lu, live %d, refused %lu, fork failures %lu, "
             "lines lost %lu",
             journal->served, live, journal->refused, journal->fork_failures,
             log_lines_lost());
}
