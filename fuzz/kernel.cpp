// SPDX-License-Identifier: MIT
// kernel - the calls of a forking server, and the rules for them.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "peers.h"

constexpr int most_calls_without_progress = 300;
constexpr int most_waits_with_signals_held = 16;

struct kernel kernel;

void note_progress(void) {
    kernel.calls_without_progress = 0;
}

// ---- the server's calls in general -----------------------------------------

// In what a server does before it asks the kernel, the world goes on.
static void enter(void) {
    must(!kernel.in_child);
    must(++kernel.calls_without_progress < most_calls_without_progress);
    if (kernel.busy)
        happen();
}

static bool fails(struct coming_failure *failure) {
    if (failure->count == 0)
        return false;
    failure->count--;
    errno = failure->error;
    return true;
}

// The drain's grace is over, or a second signal has ended it.
static bool may_end_clients(void) {
    int64_t grace = kernel.settings.grace * int64_t{1000};
    return !kernel.listener_open &&
           (kernel.stops > 1 ||
            kernel.clock >= kernel.listener_closed_at + grace);
}

// What has run out is not asked for again at the same moment, unless a child
// has given something back.
static bool may_try_again(void) {
    return !kernel.ran_out || kernel.clock > kernel.ran_out_at;
}

static void run_out(void) {
    kernel.ran_out = true;
    kernel.ran_out_at = kernel.clock;
}

static int modelled_clock_gettime(clockid_t, struct timespec *now) {
    enter();
    now->tv_sec = kernel.clock / 1000;
    now->tv_nsec = kernel.clock % 1000 * 1000000;
    return 0;
}

static void *modelled_calloc(size_t count, size_t size) {
    if (--kernel.callocs_to_failure == 0) {
        kernel.calloc_failed = true;
        errno = ENOMEM;
        return nullptr;
    }
    return system_calloc(count, size);
}

// ---- clients ---------------------------------------------------------------

static int children_from(int address) {
    int count = 0;
    for (const struct modelled_child &child : kernel.children)
        if (child.state != gone && child.client != nobody &&
            same_host(kernel.address_of[child.client], address))
            count++;
    return count;
}

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
    switch (error) {
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        kernel.hopeless = true;
        break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        run_out();
        break;
    case EAGAIN:
    case EINTR:
        break;
    default:
        if (kernel.waiting > 0)
            (void)take_waiting();
    }
    errno = error;
    return -1;
}

static int modelled_accept4(int fd, struct sockaddr *address, socklen_t *size,
                            int flags) {
    must(fd == listener_fd && kernel.listener_open && flags == SOCK_CLOEXEC);
    must(kernel.stops == 0 && !kernel.hopeless && may_try_again());
    must(kernel.accepted == nobody && kernel.own < kernel.limit);
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
    kernel.accepted = client;
    kernel.client_open[client] = true;
    kernel.clients_open++;
    kernel.one_too_many = most > 0 && children_from(from) >= most;
    write_peer(from, client, address, size);
    return first_client_fd + client;
}

// ---- children --------------------------------------------------------------

struct modelled_child *start_child(int client) {
    for (struct modelled_child &child : kernel.children) {
        if (child.state != gone)
            continue;
        child = {};
        child.state = running;
        child.pid = kernel.last_pid += kernel.pid_step;
        child.client = client;
        if (client == nobody)
            kernel.strangers++;
        else
            kernel.own++;
        return &child;
    }
    return nullptr;
}

void end_child(struct modelled_child *child, int status) {
    child->state = ended;
    child->status = status;
    kernel.ended++;
    raise_signal(SIGCHLD);
}

static pid_t modelled_fork(void) {
    must(kernel.accepted != nobody && !kernel.one_too_many);
    must(kernel.own < kernel.limit && may_try_again());
    enter();
    if (fails(&kernel.fork_failure)) {
        kernel.fork_failed = true;
        kernel.fork_failures++;
        run_out();
        return -1;
    }
    if (kernel.next_fork_is_child) {
        begin_child();
        return 0;
    }
    struct modelled_child *child = start_child(kernel.accepted);
    must(child != nullptr); // the limit is lower
    kernel.served++;
    kernel.handed_over = kernel.accepted;
    kernel.accepted = nobody;
    kernel.fork_failed = false;
    note_progress();
    expect_client_line(child->client, child->pid);
    return child->pid;
}

static pid_t modelled_waitpid(pid_t pid, int *status, int options) {
    must(pid == -1 && options == WNOHANG);
    enter();
    kernel.waitpid_failed = fails(&kernel.waitpid_failure);
    if (kernel.waitpid_failed)
        return -1;
    for (struct modelled_child &child : kernel.children) {
        if (kernel.ended == 0)
            break;
        if (child.state != ended)
            continue;
        child.state = gone;
        kernel.ended--;
        *status = child.status;
        note_progress();
        if (child.client == nobody) {
            kernel.strangers--;
        } else {
            kernel.own--;
            kernel.ran_out = false;
            expect_removal_line(child.pid, child.status);
        }
        return child.pid;
    }
    if (kernel.own + kernel.strangers > 0)
        return 0;
    errno = ECHILD;
    return -1;
}

static struct modelled_child *own_child(pid_t pid) {
    for (struct modelled_child &child : kernel.children)
        if (child.state != gone && child.client != nobody && child.pid == pid)
            return &child;
    return nullptr;
}

static int modelled_kill(pid_t pid, int signo) {
    must(signo == SIGTERM || signo == SIGCONT);
    must(may_end_clients());
    enter();
    struct modelled_child *child = own_child(pid);
    must(child != nullptr); // else it may be anybody's
    if (signo == SIGCONT)
        child->stopped = false;
    else
        child->told_to_end = true;
    if (child->slow > 0)
        child->slow--;
    else if (child->state == running && child->told_to_end && !child->stopped)
        end_child(child, SIGTERM);
    return 0;
}

// ---- waiting ---------------------------------------------------------------

// What a second signal asks for.
static void check_all_told_to_end(void) {
    for (const struct modelled_child &child : kernel.children)
        must(child.state != running || child.client == nobody ||
             child.told_to_end);
}

static void check_wait(int fd, const sigset_t *mask) {
    must(sigisemptyset(mask) == 1);
    must(kernel.handed_over == nobody);
    must(kernel.accepted == nobody || kernel.fork_failed);
    must(kernel.clients_open == (kernel.accepted == nobody ? 0 : 1));
    must(kernel.listener_open == (kernel.stops == 0 && !kernel.hopeless));
    if (fd == listener_fd) {
        must(kernel.listener_open && kernel.accepted == nobody);
        must(kernel.own < kernel.limit && may_try_again());
    } else {
        must(fd == -1);
    }
    if (kernel.stops > 1)
        check_all_told_to_end();
    check_log();
}

static bool own_child_ended(void) {
    for (const struct modelled_child &child : kernel.children)
        if (child.state == ended && child.client != nobody)
            return true;
    return false;
}

// Sleeps until a client or a signal comes, or time is UNTIL.
static int sleep_until(int64_t until, bool listening) {
    // No signal is on its way for it: it would never be reaped.
    must(kernel.ended == 0 || kernel.waitpid_failed);
    must(until != INT64_MAX || !own_child_ended());
    // Nor for another fork.
    must(until != INT64_MAX || kernel.accepted == nobody);
    while (kernel.clock < until) {
        must(++kernel.calls_without_progress < most_calls_without_progress);
        happen_asleep(until);
        if (listening && kernel.waiting > 0)
            return 1;
        if (deliver_signals(0)) {
            errno = EINTR;
            return -1;
        }
    }
    return 0;
}

static int modelled_ppoll(struct pollfd *fds, nfds_t count,
                          const struct timespec *time, const sigset_t *mask) {
    must(count == 1 && fds->events == POLLIN);
    check_wait(fds->fd, mask);
    bool listening = fds->fd == listener_fd;
    int64_t until = INT64_MAX;
    if (time != nullptr)
        until = kernel.clock + time->tv_sec * 1000 + time->tv_nsec / 1000000;
    must(++kernel.calls_without_progress < most_calls_without_progress);
    happen();
    if (fails(&kernel.ppoll_failure))
        return -1;
    bool held = kernel.pending != 0;
    if (listening && kernel.waiting > 0) {
        kernel.waits_with_signals_held += held;
        must(kernel.waits_with_signals_held < most_waits_with_signals_held);
        if (kernel.busy)
            (void)deliver_signals(0); // Linux does not, but POSIX lets it
        return 1;
    }
    if (deliver_signals(0)) {
        errno = EINTR;
        return -1;
    }
    return sleep_until(until, listening);
}

static int modelled_nanosleep(const struct timespec *time, struct timespec *) {
    enter();
    kernel.clock += time->tv_sec * 1000 + time->tv_nsec / 1000000;
    note_progress();
    happen();
    (void)deliver_signals(kernel.blocked);
    return 0;
}

// ---- descriptors -----------------------------------------------------------

static void close_listener(void) {
    must(kernel.listener_open);
    must(kernel.in_child || kernel.stops > 0 || kernel.hopeless);
    kernel.listener_open = false;
    kernel.listener_closed_at = kernel.clock;
}

static void close_client(int client) {
    must(client >= 0 && client < kernel.clients && kernel.client_open[client]);
    kernel.client_open[client] = false;
    kernel.clients_open--;
    if (kernel.in_child || client == kernel.handed_over) {
        kernel.handed_over = nobody;
        return;
    }
    // It was never served.
    must(client == kernel.accepted);
    must(kernel.one_too_many || may_end_clients());
    kernel.accepted = nobody;
    kernel.fork_failed = false;
    if (!kernel.one_too_many)
        return;
    kernel.refused++;
    expect_refusal_line(client);
}

static int modelled_close(int fd) {
    if (!kernel.in_child)
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

static ssize_t modelled_write(int fd, const void *buffer, size_t size) {
    if (kernel.in_child)
        return child_write(fd, buffer, size);
    must(fd == STDOUT_FILENO || fd == STDERR_FILENO);
    return log_write(fd, static_cast<const char *>(buffer), size);
}

// ---- the run ---------------------------------------------------------------

const struct modelled_calls kernel_calls = {
    .accept4 = modelled_accept4,
    .calloc = modelled_calloc,
    .clock_gettime = modelled_clock_gettime,
    .close = modelled_close,
    .exit_process = child_exit,
    .fcntl = child_fcntl,
    .fork = modelled_fork,
    .kill = modelled_kill,
    .nanosleep = modelled_nanosleep,
    .poll = modelled_poll,
    .ppoll = modelled_ppoll,
    .read = child_read,
    .sigaction = modelled_sigaction,
    .sigprocmask = modelled_sigprocmask,
    .waitpid = modelled_waitpid,
    .write = modelled_write,
};

static void add_strangers(unsigned running_ones, unsigned ended_ones) {
    for (unsigned i = 0; i < running_ones + ended_ones; i++) {
        struct modelled_child *child = start_child(nobody);
        if (child != nullptr && i < ended_ones)
            end_child(child, 0); // before anybody could hear of it
    }
}

void boot(struct fuzz_input *input) {
    constexpr int limits[] = {1, 2, 3, 8};
    kernel = {};
    kernel.input = input;
    kernel.accepted = nobody;
    kernel.handed_over = nobody;
    kernel.listener_open = true;
    kernel.clock = 1000;
    kernel.started_at = kernel.clock;
    unsigned size = take_control(input);
    kernel.limit = limits[size % 4];
    kernel.settings.listener = listener_fd;
    kernel.settings.clients_per_address = static_cast<int>(size / 4 % 4);
    kernel.settings.grace = static_cast<int>(size / 16 % 4);
    kernel.settings.quiet = size / 64 % 2 == 0;
    kernel.busy = size / 128 == 1;
    unsigned faults = take_control(input);
    kernel.callocs_to_failure = static_cast<int>(faults % 8);
    kernel.sigactions_to_failure = static_cast<int>(faults / 8 % 16);
    open_log(faults / 128 == 1);
    unsigned family = take_control(input);
    kernel.last_pid = 100;
    kernel.pid_step = static_cast<int>(1U << (family % 4));
    add_strangers(family / 4 % 4, family / 16 % 2);
}

void check_end(int result) {
    must(!kernel.listener_open && kernel.clients_open == 0);
    must(kernel.stops > 0 || kernel.hopeless);
    if (kernel.own > 0) // waitpid(2) does not give them out
        must(kernel.waitpid_failed && may_end_clients());
    for (const struct modelled_child &child : kernel.children)
        must(child.client == nobody || child.state != running ||
             child.told_to_end);
    must(result == (kernel.hopeless || kernel.own > 0 ? -1 : 0));
    check_log();
    check_log_end();
}
