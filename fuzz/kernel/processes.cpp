// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/wait.h>

#include "kernel/answers.h"
#include "kernel/child.h"
#include "kernel/children.h"
#include "kernel/events.h"
#include "kernel/log.h"
#include "kernel/peers.h"
#include "kernel/state.h"

pid_t modelled_fork(void) {
    must(kernel.accepted != nobody && kernel.handed_over == nobody);
    must(!host_is_full(kernel.accepted, false));
    must(kernel.own < kernel.limit && may_try_again());
    must(kernel.mapping.kept); // or each child shares it
    enter();
    if (fails(&kernel.fork_failure)) {
        kernel.fork_failed = true;
        kernel.fork_failures++;
        note_shortage();
        note_failure("fork", errno, diagnostic_due);
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
    note_plenty();
    note_progress();
    expect_line(client_line, "new client connected... %s (pid %d)",
                peer_words(child->client), child->pid);
    kernel.filled = kernel.own == kernel.limit && !kernel.draining;
    return child->pid;
}

static struct modelled_child *own_child(pid_t pid) {
    for (struct modelled_child &child : kernel.children)
        if (is_own(child) && child.pid == pid)
            return &child;
    return nullptr;
}

// No child is left to reap, or waitpid(2) failed: the next reaping begins.
static void end_reaping(void) {
    if (kernel.filled && kernel.own == kernel.limit)
        expect_line(limit_line,
                    "clients: limit of %d reached, others wait in the backlog",
                    kernel.limit);
    kernel.filled = false;
    kernel.may_refuse = kernel.accepted != nobody &&
                        host_is_full(kernel.accepted, kernel.waitpid_failed);
}

// Whether STATUS is a child's own or, after the server has killed, SIGKILL's.
static bool is_usual(int status) {
    if (status == SIGKILL)
        return kernel.killed_at > 0;
    int code = status / 256;
    return status % 256 == 0 && (code == 0 || (code >= 3 && code <= 5));
}

static pid_t reap(struct modelled_child *child, int *status) {
    child->state = gone;
    kernel.ended--;
    *status = child->status;
    note_progress();
    if (child->client == nobody) {
        kernel.strangers--;
        kernel.ran_out = false; // a process slot is free too
    } else {
        kernel.own--;
        note_plenty();
        expect_line(client_line, "removed proc id: %d (%s)", child->pid,
                    status_words(child->status));
        if (!is_usual(child->status))
            expect_line(crash_line, "child %d: %s%s", child->pid,
                        status_words(child->status), unlogged(crash_line));
    }
    return child->pid;
}

pid_t modelled_waitpid(pid_t pid, int *status, int options) {
    must(pid == -1 && options == WNOHANG);
    check_line(crash_line);
    enter();
    kernel.waitpid_failed = fails(&kernel.waitpid_failure);
    if (kernel.waitpid_failed) {
        end_reaping();
        note_failure("waitpid", errno,
                     kernel.own > 0 ? diagnostic_due : diagnostic_wrong);
        return -1;
    }
    for (struct modelled_child &child : kernel.children)
        if (child.state == ended)
            return reap(&child, status);
    end_reaping();
    if (kernel.own + kernel.strangers > 0)
        return 0;
    errno = ECHILD;
    return -1;
}

int modelled_kill(pid_t pid, int signo) {
    must(signo == SIGKILL);
    must(may_end_clients());
    enter();
    struct modelled_child *child = own_child(pid);
    must(child != nullptr); // or it may be any process
    // A second SIGKILL comes only after a wait.
    must(kernel.clock > child->killed_at);
    child->killed_at = kernel.clock;
    kernel.killed_at = kernel.clock;
    if (child->state == running && !child->lingers)
        end_child(child, SIGKILL);
    return 0;
}
