// SPDX-License-Identifier: MIT
// The lower half of a control byte is the kind of an event, the upper half its
// number.
#include <errno.h>
#include <limits.h>

#include "kernel/children.h"
#include "kernel/events.h"
#include "kernel/peers.h"
#include "kernel/signals.h"
#include "kernel/state.h"

enum kind {
    nothing, // a server that sleeps does so until its time is over
    clients_come,
    child_ends, // the next byte says how
    children_end,
    stop_comes,
    report_comes,
    time_passes,
    connection_fails, // accept(2), with an error of one client
    accept_fails,
    fork_fails,
    fork_is_child,
    wait_fails, // ppoll(2)
    reaping_fails,
    close_fails,
    child_lingers,
    stranger_moves
};
constexpr int kinds = 16;

constexpr int most_strangers = 4;    // at once
constexpr int most_last_wakes = 100; // after the input is exhausted

// ---- children --------------------------------------------------------------

// The NUMBER-th running child, modulo their number: the server's OWN, or a
// stranger. Null if none runs.
static struct modelled_child *running_child(unsigned number, bool own) {
    struct modelled_child *found[most_children];
    unsigned count = 0;
    for (struct modelled_child &child : kernel.children)
        if (child.state == running && is_own(child) == own)
            found[count++] = &child;
    return count == 0 ? nullptr : found[number % count];
}

static int exited(unsigned code) {
    return static_cast<int>(code % 8 * 256);
}

static void end_one(unsigned number) {
    struct modelled_child *child = running_child(number, true);
    unsigned how = take_control(kernel.input);
    if (child != nullptr)
        end_child(child,
                  how < 128 ? exited(how) : static_cast<int>(1 + how % 31));
}

static void end_all(unsigned code) {
    for (struct modelled_child &child : kernel.children)
        if (is_own(child) && child.state == running)
            end_child(&child, exited(code));
}

// A child that will need time to terminate when killed, as for a core dump.
static void let_linger(unsigned number) {
    struct modelled_child *child = running_child(number, true);
    if (child != nullptr)
        child->lingers = true;
}

static void end_killed(void) {
    for (struct modelled_child &child : kernel.children)
        if (child.state == running && child.killed_at > 0)
            end_child(&child, SIGKILL);
}

static void move_stranger(unsigned number) {
    if (number % 2 == 0 && kernel.strangers < most_strangers)
        (void)start_child(nobody);
    struct modelled_child *child = running_child(number / 2, false);
    if (number % 2 == 1 && child != nullptr)
        end_child(child, 0);
}

// ---- clients and time ------------------------------------------------------

static void bring_client(unsigned address) {
    if (kernel.clients == most_clients || kernel.waiting == most_waiting)
        return;
    kernel.address_of[kernel.clients] = static_cast<int>(address);
    kernel.backlog[kernel.waiting++] = kernel.clients++;
}

// One or two clients with the same address.
static void bring_clients(unsigned number) {
    for (unsigned i = 0; i <= number / peer_addresses; i++)
        bring_client(number % peer_addresses);
}

static void pass_time(unsigned number) {
    constexpr int64_t milliseconds[16] = {
        1,   2,    10,   50,   99,   100,  101,   200,
        500, 1000, 1001, 2000, 3000, 5000, 60000, 3600000,
    };
    kernel.clock += milliseconds[number];
    note_progress();
}

// ---- failures --------------------------------------------------------------

static struct coming_failure connection_failure(unsigned number) {
    constexpr int errors[16] = {
        EAGAIN,    EINTR,        ECONNABORTED, EPROTO,
        EPERM,     ENETDOWN,     ENOPROTOOPT,  EHOSTDOWN,
        ENONET,    EHOSTUNREACH, EOPNOTSUPP,   ENETUNREACH,
        ETIMEDOUT, ECONNABORTED, EAGAIN,       EINTR,
    };
    // The last two repeat without end: even they must not make it spin.
    return {number < 14 ? 1 : INT_MAX, errors[number]};
}

static struct coming_failure accept_failure(unsigned number) {
    constexpr int errors[8] = {EMFILE, ENFILE, ENOBUFS, ENOMEM,
                               EIO,    EBADF,  EINVAL,  ENOTSOCK};
    return {number < 8 ? 1 : 4, errors[number % 8]};
}

static int count_of(unsigned number) {
    return number == 15 ? INT_MAX : static_cast<int>(number + 1);
}

static void plan_failure(enum kind kind, unsigned number) {
    switch (kind) {
    case connection_fails:
        kernel.accept_failure = connection_failure(number);
        break;
    case accept_fails:
        kernel.accept_failure = accept_failure(number);
        break;
    case fork_fails:
        kernel.fork_failure = {static_cast<int>(number + 1),
                               number % 2 == 0 ? EAGAIN : ENOMEM};
        break;
    case wait_fails:
        // EINTR without a handler: SIGCONT, or a tracer. ENOMEM may last.
        kernel.ppoll_failure = {number == 14 ? 100 : static_cast<int>(number),
                                number % 2 == 0 ? ENOMEM : EINTR};
        break;
    case reaping_fails:
        kernel.waitpid_failure = {count_of(number), EINVAL};
        break;
    default:
        kernel.close_failure = {1, number % 2 == 0 ? EINTR : EIO};
    }
}

// ---- all of them -----------------------------------------------------------

static void take_event(uint8_t control) {
    constexpr int stops[] = {SIGTERM, SIGINT, SIGHUP, SIGTERM};
    enum kind kind = static_cast<enum kind>(control % kinds);
    unsigned number = control / kinds;
    switch (kind) {
    case nothing:
        break;
    case clients_come:
        bring_clients(number);
        break;
    case child_ends:
        end_one(number);
        break;
    case children_end:
        end_all(number);
        break;
    case stop_comes:
        raise_signal(stops[number % 4]);
        break;
    case report_comes:
        raise_signal(SIGUSR1);
        break;
    case time_passes:
        pass_time(number);
        break;
    case fork_is_child:
        kernel.next_fork_is_child = true;
        break;
    case child_lingers:
        let_linger(number);
        break;
    case stranger_moves:
        move_stranger(number);
        break;
    default:
        plan_failure(kind, number);
    }
}

void happen(void) {
    if (kernel.input->size > 0)
        take_event(take_control(kernel.input));
}

void enter(void) {
    must(!kernel.in_child);
    must(++kernel.calls_without_progress < most_calls_without_progress);
    if (kernel.busy)
        happen();
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
    kernel.clock = until;
    note_progress();
    end_killed();
}

void happen_asleep(int64_t until) {
    if (kernel.input->size == 0) {
        wake(until);
        return;
    }
    uint8_t control = take_control(kernel.input);
    take_event(control);
    if (control % kinds != nothing || until == INT64_MAX)
        return;
    kernel.clock = until;
    note_progress();
}
