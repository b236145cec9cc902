// SPDX-License-Identifier: MIT
// The lower half of a control byte selects an event; the upper half is the
// event's number.
#include <errno.h>
#include <limits.h>

#include "kernel/children.h"
#include "kernel/events.h"
#include "kernel/peers.h"
#include "kernel/signals.h"
#include "kernel/state.h"

constexpr int most_strangers = 4;    // at once
constexpr int most_last_wakes = 100; // after the input is exhausted

// A server that sleeps does so until its time is over.
static void nothing(int) {
}

// ---- children --------------------------------------------------------------

// The NUMBER-th running child, modulo their number: the server's OWN, or a
// stranger. Null if none runs.
static struct modelled_child *running_child(int number, bool own) {
    struct modelled_child *found[most_children];
    int count = 0;
    for (struct modelled_child &child : kernel.children)
        if (child.state == running && is_own(child) == own)
            found[count++] = &child;
    return count == 0 ? nullptr : found[number % count];
}

static int exited(int code) {
    return code % 8 * 256;
}

// The next byte says how.
static void end_one(int number) {
    struct modelled_child *child = running_child(number, true);
    int how = take_control(kernel.input);
    if (child != nullptr)
        end_child(child, how < 128 ? exited(how) : 1 + how % 31);
}

static void end_all(int code) {
    for (struct modelled_child &child : kernel.children)
        if (is_own(child) && child.state == running)
            end_child(&child, exited(code));
}

// A child that will need time to terminate when killed, as for a core dump.
static void let_linger(int number) {
    struct modelled_child *child = running_child(number, true);
    if (child != nullptr)
        child->lingers = true;
}

static void move_stranger(int number) {
    if (number % 2 == 0 && kernel.strangers < most_strangers)
        (void)start_child(nobody);
    struct modelled_child *child = running_child(number / 2, false);
    if (number % 2 == 1 && child != nullptr)
        end_child(child, 0);
}

// ---- clients, signals and time ----------------------------------------------

// One or two clients with the same address.
static void bring_clients(int number) {
    for (int i = 0; i <= number / peer_addresses; i++) {
        if (kernel.clients == most_clients || kernel.waiting == most_waiting)
            return;
        kernel.address_of[kernel.clients] = number % peer_addresses;
        kernel.clients++;
        kernel.waiting++;
    }
}

static void stop(int number) {
    constexpr int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGTERM};
    raise_signal(signals[number % 4]);
}

static void ask_for_totals(int) {
    raise_signal(SIGUSR1);
}

static void pass_time(int number) {
    constexpr int64_t milliseconds[16] = {
        1,   2,    10,   50,   99,   100,  101,   200,
        500, 1000, 1001, 2000, 3000, 5000, 60000, 3600000,
    };
    kernel.clock += milliseconds[number];
    note_progress();
}

// ---- failures --------------------------------------------------------------

// Of accept(2), with an error of one client.
static void fail_connection(int number) {
    constexpr int errors[16] = {
        EAGAIN,    EINTR,        ECONNABORTED, EPROTO,
        EPERM,     ENETDOWN,     ENOPROTOOPT,  EHOSTDOWN,
        ENONET,    EHOSTUNREACH, EOPNOTSUPP,   ENETUNREACH,
        ETIMEDOUT, ECONNABORTED, EAGAIN,       EINTR,
    };
    // The last two repeat without end: even they must not make it spin.
    kernel.accept_failure = {number < 14 ? 1 : INT_MAX, errors[number]};
}

static void fail_accept(int number) {
    constexpr int errors[8] = {EMFILE, ENFILE, ENOBUFS, ENOMEM,
                               EIO,    EBADF,  EINVAL,  ENOTSOCK};
    kernel.accept_failure = {number < 8 ? 1 : 4, errors[number % 8]};
}

static void fail_fork(int number) {
    kernel.fork_failure = {number + 1, number % 2 == 0 ? EAGAIN : ENOMEM};
}

static void fork_as_child(int) {
    kernel.next_fork_is_child = true;
}

static void fail_wait(int number) {
    // EINTR without a handler: SIGCONT, or a tracer. ENOMEM may last.
    kernel.ppoll_failure = {number == 14 ? 100 : number,
                            number % 2 == 0 ? ENOMEM : EINTR};
}

static void fail_reaping(int number) {
    kernel.waitpid_failure = {number == 15 ? INT_MAX : number + 1, EINVAL};
}

static void fail_close(int number) {
    kernel.close_failure = {1, number % 2 == 0 ? EINTR : EIO};
}

// ---- all of them -----------------------------------------------------------

// Does what the next byte says: nothing if the input is exhausted. Returns
// whether it was something else.
static bool take_event(void) {
    static void (*const events[16])(int number) = {
        nothing,      bring_clients,  end_one,       end_all,
        stop,         ask_for_totals, pass_time,     fail_connection,
        fail_accept,  fail_fork,      fork_as_child, fail_wait,
        fail_reaping, fail_close,     let_linger,    move_stranger,
    };
    uint8_t control = take_control(kernel.input);
    events[control % 16](control / 16);
    return events[control % 16] != nothing;
}

void happen(void) {
    (void)take_event();
}

void enter(void) {
    must(++kernel.calls_without_progress < most_calls_without_progress);
    if (kernel.busy)
        happen();
}

static void end_killed(void) {
    for (struct modelled_child &child : kernel.children)
        if (child.state == running && child.killed_at > 0)
            end_child(&child, SIGKILL);
}

static void sleep_on(int64_t until) {
    kernel.clock = until;
    note_progress();
}

// The input is exhausted: SIGTERM, and then only time passes, because a
// draining server must come to an end.
static void wake(int64_t until) {
    must(++kernel.last_wakes < most_last_wakes);
    if (!kernel.draining) {
        raise_signal(SIGTERM);
        return;
    }
    must(until != INT64_MAX); // or it would sleep for ever
    sleep_on(until);
    end_killed();
}

void happen_asleep(int64_t until) {
    if (kernel.input->size == 0)
        wake(until);
    else if (!take_event() && until != INT64_MAX)
        sleep_on(until);
}
