// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "common/sockets.h"
#include "kernel/children.h"
#include "kernel/clients.h"
#include "kernel/log.h"
#include "kernel/memory.h"
#include "kernel/processes.h"
#include "kernel/signals.h"
#include "kernel/state.h"
#include "kernel/waits.h"

constexpr int64_t never_let_in = -1000000;
constexpr int64_t ms_to_be_reaped = 1000; // after a server has killed them

const struct modelled_calls kernel_calls = {
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
            end_child(child, 0); // before any handler is installed
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
    kernel.clock = 1; // just booted: 0 must not look like long ago
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
