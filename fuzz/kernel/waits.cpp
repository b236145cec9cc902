// SPDX-License-Identifier: MIT
#include <errno.h>

#include "kernel/answers.h"
#include "kernel/events.h"
#include "kernel/log.h"
#include "kernel/signals.h"
#include "kernel/state.h"

constexpr int64_t longest_pause = 1000;  // before a retry
constexpr int64_t longest_deferral = 20; // with fewer than 50 children

static bool all_killed(void) {
    for (const struct modelled_child &child : kernel.children)
        if (is_own(child) && child.state == running && child.killed_at == 0)
            return false;
    return true;
}

static bool own_child_ended(void) {
    for (const struct modelled_child &child : kernel.children)
        if (is_own(child) && child.state == ended)
            return true;
    return false;
}

static int64_t milliseconds_of(const struct timespec *time) {
    must(time->tv_sec >= 0 && time->tv_nsec >= 0 &&
         time->tv_nsec < 1000000000); // or EINVAL
    return time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

// While clients keep coming, terminated children are reaped together.
static void check_deferral(bool defers, bool listening, int64_t until) {
    int64_t end = kernel.let_in_at + longest_deferral;
    kernel.let_in = false;
    if (!defers) {
        // Where time passes between calls, the deferral may begin earlier.
        must(!listening || kernel.clock >= end || kernel.busy);
        return;
    }
    must(listening && kernel.clock < end && until <= end);
}

// A server that could listen and does not is waiting out a shortage.
static void check_listening(bool listening, int64_t until) {
    bool could = kernel.listener_open && kernel.accepted == nobody &&
                 kernel.own < kernel.limit;
    if (listening)
        must(could && may_try_again());
    else if (could && until > kernel.clock)
        must(kernel.may_pause && until <= kernel.clock + longest_pause);
    // No signal will announce that another fork may succeed.
    if (kernel.accepted != nobody)
        must(until <= kernel.clock + longest_pause);
}

static void check_drain(bool listening, int64_t until) {
    bool open = kernel.listener_open;
    must(!open || !is_late());
    must(open || kernel.own > 0 || kernel.accepted != nobody);
    bool ends_all = !open && kernel.accepted == nobody && all_killed();
    must(ends_all || kernel.stopped_again_at <
                         kernel.drain_latest + ms_until_stopped_again);
    kernel.stopped_again_at = 0;
    if (ends_all || until <= kernel.clock)
        return;
    must(until <= kernel.drain_latest + kernel.settings.grace * int64_t{1000});
    // No sleep while the backlog could be accepted, except in a shortage.
    must(!open || (!listening && kernel.own < kernel.limit));
}

static void check_wait(int fd, int64_t until) {
    must(kernel.handed_over == nobody);
    must(kernel.accepted == nobody || kernel.fork_failed);
    must(kernel.listener_open ? !kernel.hopeless : kernel.draining);
    must(fd == listener_fd || fd == -1);
    must(!kernel.filled);
    check_listening(fd == listener_fd, until);
    notice_drain();
    if (kernel.draining)
        check_drain(fd == listener_fd, until);
    check_log();
}

// Sleeps until a client or a signal not in DEFERRED comes, or time is UNTIL.
static int sleep_until(int64_t until, bool listening, unsigned deferred) {
    while (!deliver_signals(deferred)) {
        // Or nothing would cause a terminated child to be reaped.
        must(kernel.ended == 0 || kernel.waitpid_failed ||
             (kernel.pending & deferred) != 0);
        must(until <= kernel.clock + longest_pause || !own_child_ended());
        if (kernel.clock >= until)
            return 0;
        happen_asleep(until);
        if (listening && kernel.waiting > 0)
            return 1;
    }
    errno = EINTR;
    return -1;
}

// A wait that failed for lack of memory is not repeated at once.
static bool fails_to_wait(void) {
    kernel.wait_failed = fails(&kernel.ppoll_failure);
    if (!kernel.wait_failed)
        return false;
    if (errno == ENOMEM)
        kernel.out_of_memory_at = kernel.clock;
    note_failure("ppoll", errno,
                 errno == ENOMEM ? diagnostic_due : diagnostic_right);
    return true;
}

static void let_in(void) {
    kernel.let_in = true;
    kernel.let_in_at = kernel.clock;
}

// Answers a wait that has passed the checks.
static int answer(bool listening, int64_t until, unsigned deferred) {
    happen();
    if (fails_to_wait())
        return -1;
    if (listening && kernel.waiting > 0) {
        // The next wait unblocks signals, unless it defers SIGCHLD.
        must(deferred != 0 || !kernel.signals_left_out);
        kernel.signals_left_out = kernel.pending != 0;
        if (kernel.busy) // Linux does not, but POSIX allows it
            (void)deliver_signals(deferred);
        return 1;
    }
    return sleep_until(until, listening, deferred);
}

int modelled_ppoll(struct pollfd *fds, nfds_t count,
                   const struct timespec *time, const sigset_t *mask) {
    must(count == 1 && fds->events == POLLIN);
    bool listening = fds->fd == listener_fd;
    int64_t until = INT64_MAX;
    if (time != nullptr)
        until = kernel.clock + milliseconds_of(time);
    check_dispositions();
    must(mask != nullptr);
    unsigned deferred = signals_in(mask);
    must((deferred & ~signal_bit(SIGCHLD)) == 0);
    check_deferral(deferred != 0, listening, until);
    check_wait(fds->fd, until);
    must(kernel.clock > kernel.out_of_memory_at);
    must(++kernel.calls_without_progress < most_calls_without_progress);
    int result = answer(listening, until, deferred);
    if (result != 1) {
        kernel.signals_left_out = false;
        if (deferred == 0)
            let_in();
    }
    kernel.client_told = result == 1;
    kernel.woke_at = kernel.clock;
    return result;
}

int modelled_nanosleep(const struct timespec *time, struct timespec *) {
    // Or it would sleep while a client is waiting.
    must(kernel.wait_failed && kernel.blocked == 0);
    int64_t milliseconds = milliseconds_of(time);
    must(milliseconds > 0 && milliseconds <= longest_pause);
    check_failure();
    enter();
    kernel.clock += milliseconds;
    note_progress();
    happen();
    (void)deliver_signals(kernel.blocked);
    let_in();
    kernel.woke_at = kernel.clock;
    return 0;
}

int modelled_clock_gettime(clockid_t, struct timespec *now) {
    enter();
    now->tv_sec = static_cast<time_t>(kernel.clock / 1000);
    now->tv_nsec = static_cast<long>(kernel.clock % 1000 * 1000000);
    if (kernel.let_in)
        kernel.let_in_at = kernel.clock;
    errno = 0; // a successful call may change errno
    return 0;
}
