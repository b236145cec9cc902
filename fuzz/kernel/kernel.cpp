// SPDX-License-Identifier: MIT
// kernel - the calls of a forking server, and the rules for them.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sockets.h"
#include "kernel/kernel.h"
#include "kernel/peers.h"

constexpr int64_t never_let_in = -1000000;
constexpr int64_t ms_to_be_reaped = 1000; // by a server that has killed them

struct kernel kernel;

void note_progress(void) {
    kernel.calls_without_progress = 0;
}

// ---- the server's calls in general -----------------------------------------

void enter(void) {
    must(!kernel.in_child);
    must(++kernel.calls_without_progress < most_calls_without_progress);
    if (kernel.busy)
        happen();
}

bool fails(struct coming_failure *failure) {
    if (failure->count == 0)
        return false;
    failure->count--;
    errno = failure->error;
    return true;
}

void begin_drain(void) {
    kernel.draining = true;
    kernel.found_none = false;
    kernel.drain_earliest = kernel.clock;
}

// Since it began, time may have passed.
void heed_drain(void) {
    if (!kernel.draining || kernel.heeded)
        return;
    kernel.heeded = true;
    kernel.drain_latest = kernel.clock;
}

bool is_late(void) {
    return kernel.draining &&
           kernel.woke_at >= kernel.drain_latest + ms_to_accept;
}

bool may_end_clients(void) {
    if (kernel.killed_at > 0)
        return true;
    int64_t grace = kernel.settings.grace * int64_t{1000};
    if (kernel.stopped_again_at > 0 && grace > ms_until_stopped_again)
        grace = ms_until_stopped_again;
    return kernel.draining && kernel.clock >= kernel.drain_earliest + grace;
}

bool may_try_again(void) {
    return !kernel.ran_out || kernel.clock > kernel.ran_out_at;
}

void note_shortage(void) {
    kernel.ran_out = true;
    kernel.ran_out_at = kernel.clock;
    kernel.may_pause = true;
}

void note_plenty(void) {
    kernel.ran_out = false;
    kernel.may_pause = false;
}

static int modelled_clock_gettime(clockid_t, struct timespec *now) {
    enter();
    now->tv_sec = static_cast<time_t>(kernel.clock / 1000);
    now->tv_nsec = static_cast<long>(kernel.clock % 1000 * 1000000);
    if (kernel.let_in)
        kernel.let_in_at = kernel.clock;
    errno = 0; // a call that succeeds may leave anything there
    return 0;
}

// ---- clients ---------------------------------------------------------------

static int take_waiting(void) {
    int client = kernel.backlog[0];
    kernel.waiting--;
    memmove(kernel.backlog, kernel.backlog + 1,
            static_cast<size_t>(kernel.waiting) * sizeof kernel.backlog[0]);
    note_progress();
    return client;
}

// The client of which accept(2) has told an error is gone, unless the error was
// about the server.
static int accept_fails(void) {
    int error = errno;
    enum complaint complaint = complaint_wrong;
    switch (error) {
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        kernel.hopeless = true;
        if (!kernel.draining)
            begin_drain();
        complaint = complaint_at_once;
        break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        note_shortage();
        complaint = complaint_due;
        break;
    case EAGAIN: // another process has taken them all
        while (kernel.waiting > 0)
            (void)take_waiting();
        kernel.found_none = true;
        break;
    default:
        // One alone is none to wait for.
        if (++kernel.connection_failures > 1) {
            kernel.may_pause = true;
            complaint = complaint_right;
        }
        if (error != EINTR && kernel.waiting > 0)
            (void)take_waiting();
    }
    note_failure("accept", error, complaint);
    errno = error;
    return -1;
}

static int modelled_accept4(int fd, struct sockaddr *address, socklen_t *size,
                            int flags) {
    must(fd == listener_fd && kernel.listener_open && flags == SOCK_CLOEXEC);
    must(!kernel.hopeless && may_try_again());
    must(kernel.client_told || kernel.draining);
    must(kernel.accepted == nobody && kernel.own < kernel.limit);
    heed_drain();
    must(!is_late());
    enter();
    if (fails(&kernel.accept_failure))
        return accept_fails();
    if (kernel.waiting == 0) {
        errno = EAGAIN;
        return accept_fails();
    }
    int client = take_waiting();
    int from = kernel.address_of[client];
    int most = kernel.settings.clients_per_address;
    kernel.connection_failures = 0;
    note_plenty();
    kernel.accepted = client;
    kernel.client_open[client] = true;
    kernel.clients_open++;
    kernel.one_too_many = most > 0 && children_at(from) >= most;
    kernel.judged_anew = false;
    write_peer(from, client, address, size);
    return first_client_fd + client;
}

// ---- descriptors -----------------------------------------------------------

static void close_listener(void) {
    must(kernel.listener_open && kernel.draining);
    must(kernel.hopeless || kernel.found_none || may_end_clients() ||
         kernel.own == kernel.limit ||
         kernel.clock >= kernel.drain_earliest + ms_to_accept);
    kernel.listener_open = false;
}

// One that was never served.
static void close_accepted(int client) {
    must(client == kernel.accepted);
    kernel.accepted = nobody;
    kernel.fork_failed = false;
    int most = kernel.settings.clients_per_address;
    bool full = most > 0 && children_at(kernel.address_of[client]) >= most;
    if (!full || kernel.killed_at > 0) {
        must(may_end_clients());
        return;
    }
    must(kernel.judged_anew);
    kernel.refused++;
    expect_refusal_line(client);
}

static void close_client(int client) {
    must(client >= 0 && client < kernel.clients && kernel.client_open[client]);
    kernel.client_open[client] = false;
    kernel.clients_open--;
    if (client == kernel.handed_over)
        kernel.handed_over = nobody;
    else
        close_accepted(client);
}

static int modelled_close(int fd) {
    if (kernel.in_child) {
        child_close(fd);
        return 0;
    }
    enter();
    if (fd == listener_fd)
        close_listener();
    else
        close_client(fd - first_client_fd);
    return fails(&kernel.close_failure) ? -1 : 0;
}

// ---- standard output and error ---------------------------------------------

static int modelled_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    must(!kernel.in_child && count == 1 && fds->events == POLLOUT &&
         milliseconds == 0);
    must(fds->fd == STDOUT_FILENO || fds->fd == STDERR_FILENO);
    return log_poll(fds->fd);
}

static int modelled_setitimer(int which, const struct itimerval *value,
                              struct itimerval *before) {
    must(!kernel.in_child && which == ITIMER_REAL && before == nullptr);
    log_set_timer(value);
    return 0;
}

static ssize_t modelled_write(int fd, const void *buffer, size_t size) {
    if (kernel.in_child)
        return child_write(fd, buffer, size);
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    return log_write(fd, static_cast<const char *>(buffer), size);
}

// ---- the run ---------------------------------------------------------------

const struct modelled_calls kernel_calls = {
    .accept4 = modelled_accept4,
    .clock_gettime = modelled_clock_gettime,
    .close = modelled_close,
    .close_range = child_close_range,
    .exit_process = child_exit,
    .fcntl = child_fcntl,
    .fork = modelled_fork,
    .ioctl = child_ioctl,
    .kill = modelled_kill,
    .madvise = modelled_madvise,
    .mmap = modelled_mmap,
    .munmap = modelled_munmap,
    .nanosleep = modelled_nanosleep,
    .poll = modelled_poll,
    .ppoll = modelled_ppoll,
    .read = child_read,
    .setitimer = modelled_setitimer,
    .setsockopt = child_setsockopt,
    .sigaction = modelled_sigaction,
    .sigprocmask = modelled_sigprocmask,
    .waitpid = modelled_waitpid,
    .write = modelled_write,
};

static void ignore_signals(unsigned choice) {
    constexpr int signals[] = {SIGINT, SIGHUP, SIGTERM};
    for (int signo : signals) {
        if (choice % 2 == 1) {
            kernel.handlers[signo] = SIG_IGN;
            kernel.ignored |= signal_bit(signo);
        }
        choice /= 2;
    }
}

static void add_strangers(unsigned running_ones, unsigned ended_ones) {
    for (unsigned i = 0; i < running_ones + ended_ones; i++) {
        struct modelled_child *child = start_child(nobody);
        if (child != nullptr && i < ended_ones)
            end_child(child, 0); // before anybody could hear of it
    }
}

void boot(struct fuzz_input *input) {
    constexpr int limits[] = {1, 2, 3, 8};
    static const struct client_options options = {.timeout = 1};
    kernel = {};
    kernel.input = input;
    kernel.accepted = nobody;
    kernel.handed_over = nobody;
    kernel.listener_open = true;
    kernel.clock = 1; // as if just booted: what is 0 is no long time ago
    kernel.let_in_at = never_let_in;
    unsigned size = take_control(input);
    kernel.limit = limits[size % 4];
    kernel.settings.listener = listener_fd;
    kernel.settings.clients_per_address = static_cast<int>(size / 4 % 4);
    kernel.settings.grace = static_cast<int>(size / 16 % 4);
    kernel.settings.quiet = size / 64 % 2 == 0;
    kernel.busy = size / 128 == 1;
    unsigned faults = take_control(input);
    kernel.mmap_fails = faults % 8 == 1;
    kernel.madvise_fails = faults % 8 == 2;
    kernel.close_range_fails = faults % 8 == 4;
    kernel.settings.options = faults % 8 == 3 ? &options : nullptr;
    kernel.sigactions_to_failure = static_cast<int>(faults / 8 % 16);
    open_log(faults / 128 == 1);
    unsigned family = take_control(input);
    kernel.last_pid = 100;
    kernel.pid_step = static_cast<int>(1U << (family % 4));
    ignore_signals(family / 32);
    add_strangers(family / 4 % 4, family / 16 % 2);
}

void check_end(int result) {
    must(!kernel.listener_open && kernel.clients_open == 0);
    must(kernel.draining);
    if (kernel.own > 0) // waitpid(2) has not given them out for a while
        must(kernel.waitpid_failed && kernel.killed_at > 0 &&
             kernel.clock >= kernel.killed_at + ms_to_be_reaped);
    for (const struct modelled_child &child : kernel.children)
        must(!is_own(child) || child.state == ended || child.killed_at > 0);
    must(result == (kernel.hopeless || kernel.own > 0 ? -1 : 0));
    check_log_end();
}
