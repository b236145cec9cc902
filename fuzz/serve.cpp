// SPDX-License-Identifier: MIT
// serve - the server's whole accept loop, with its table of children, its
// reaping and its log, on a model of the kernel as a forking server sees it:
// descriptors, clients in the backlog, children, signals and time. The input
// says what happens and which calls fail. Before it answers, each call checks
// that a server which obeys serve.h and the manual pages may make it now. Each
// line that the server prints is checked too. If the input says so, fork(2)
// returns 0, and the run continues as that child.
#include <errno.h>
#include <setjmp.h>

#include "common/sockets.h"
#include "kernel/answers.h"
#include "kernel/calls.h"
#include "kernel/children.h"
#include "kernel/log.h"
#include "kernel/signals.h"
#include "kernel/state.h"
#include "server/children.h"
#include "server/events.h"
#include "server/serve.h"

constexpr int64_t never_let_in = -1000000;
constexpr int64_t ms_to_be_reaped = 1000; // after a server has killed them

static const struct modelled_calls kernel_calls = {
    .clock_gettime = modelled_clock_gettime,
    .accept4 = modelled_accept4,
    .close = modelled_close,
    .fork = modelled_fork,
    .kill = modelled_kill,
    .madvise = modelled_madvise,
    .mmap = modelled_mmap,
    .munmap = modelled_munmap,
    .nanosleep = modelled_nanosleep,
    .poll = modelled_poll,
    .ppoll = modelled_ppoll,
    .setitimer = modelled_setitimer,
    .sigaction = modelled_sigaction,
    .sigprocmask = modelled_sigprocmask,
    .waitpid = modelled_waitpid,
    .write = modelled_write,
};

// ---- the kernel -------------------------------------------------------------

static void ignore_signals(int choice) {
    constexpr int signals[] = {SIGINT, SIGHUP, SIGTERM};
    for (int signo : signals) {
        if (choice % 2 == 1) {
            kernel.handlers[signo] = SIG_IGN;
            kernel.ignored |= signal_bit(signo);
        }
        choice /= 2;
    }
}

static void add_strangers(int running_ones, int ended_ones) {
    for (int i = 0; i < running_ones + ended_ones; i++) {
        struct modelled_child *child = start_child(nobody);
        if (child != nullptr && i < ended_ones)
            end_child(child, 0); // before any handler is installed
    }
}

// Resets the kernel, with the settings of a run as INPUT says.
static void boot(struct fuzz_input *input) {
    constexpr int limits[] = {1, 2, 3, 8};
    static const struct client_options options = {.timeout = 1};
    kernel = {};
    kernel.input = input;
    kernel.accepted = nobody;
    kernel.handed_over = nobody;
    kernel.listener_open = true;
    kernel.clock = 1; // just booted: 0 must not look like long ago
    kernel.let_in_at = never_let_in;
    int size = take_control(input);
    kernel.limit = limits[size % 4];
    kernel.settings.listener = listener_fd;
    kernel.settings.clients_per_address = size / 4 % 4;
    kernel.settings.grace = size / 16 % 4;
    kernel.settings.quiet = size / 64 % 2 == 0;
    kernel.busy = size / 128 == 1;
    int faults = take_control(input);
    kernel.mmap_fails = faults % 8 == 1;
    kernel.madvise_fails = faults % 8 == 2;
    kernel.close_range_fails = faults % 8 == 4;
    kernel.settings.options = faults % 8 == 3 ? &options : nullptr;
    kernel.sigactions_to_failure = faults / 8 % 16;
    open_log(faults / 128 == 1);
    int family = take_control(input);
    kernel.last_pid = 100;
    kernel.pid_step = 1 << (family % 4);
    ignore_signals(family / 32);
    add_strangers(family / 4 % 4, family / 16 % 2);
}

// Checks the final state, after serve() has returned RESULT.
static void check_end(int result) {
    must(!kernel.listener_open);
    must(kernel.accepted == nobody && kernel.handed_over == nobody);
    must(kernel.draining);
    if (kernel.own > 0) // waitpid(2) has failed for a while
        must(kernel.waitpid_failed && kernel.killed_at > 0 &&
             kernel.clock >= kernel.killed_at + ms_to_be_reaped);
    for (const struct modelled_child &child : kernel.children)
        must(!is_own(child) || child.state == ended || child.killed_at > 0);
    must(result == (kernel.hopeless || kernel.own > 0 ? -1 : 0));
    check_log_end();
}

// ---- the server -------------------------------------------------------------

static struct children children;

static void run_server(void) {
    if (serve_signals() == -1) {
        must(kernel.sigaction_failed);
        return;
    }
    must(!kernel.sigaction_failed);
    check_end(serve(&kernel.settings, &children));
}

static void run_with_table(void) {
    if (children_open(&children, kernel.limit) == -1) {
        must(errno == ENOMEM && kernel.mmap_fails);
        return;
    }
    must(!kernel.mmap_fails);
    if (setjmp(kernel.leave) == 0)
        run_server();
    answer_by(&kernel_calls);  // if a child answered last
    children_close(&children); // a child leaves it to the kernel
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    boot(&input);
    answer_by(&kernel_calls);
    run_with_table();
    answer_by(nullptr);
    must(kernel.mapping.bytes == nullptr); // or memory is leaked
    return 0;
}
