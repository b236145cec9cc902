// SPDX-License-Identifier: MIT
// remove_zombie - the kernel tells the parent by SIGCHLD that a child has
// ended, so that it need not wait for it: it does its work, is woken, and reaps
// every child that has ended, for signals merge and one may stand for two.
// `remove_zombie 2 1`: children of 2 seconds, five waits of 1.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/reap.h"
#include "common/signals.h"

constexpr char usage[] = "usage: remove_zombie [child-seconds [wait-seconds]]";
constexpr int child_count = 2;
constexpr int sent[child_count] = {12, 24};
constexpr int rounds = 5;

struct family {
    pid_t pids[child_count];
    int left;
    bool failed;
};

static volatile sig_atomic_t child_ended;

static void note_child(int) {
    child_ended = 1;
}

static pid_t start_child(pid_t parent, int seconds, int status) {
    pid_t pid = fork();
    switch (pid) {
    case -1:
        return -1;
    case 0:
        if (end_with_parent(parent) == -1)
            die("the parent");
        say("Hi! I'm child process");
        (void)sleep(static_cast<unsigned>(seconds)); // never gets SIGCHLD
        _exit(status);
    default:
        return pid;
    }
}

static void start_children(struct family *family, int seconds) {
    for (int i = 0; i < child_count; i++) {
        pid_t pid = start_child(getpid(), seconds, sent[i]);
        if (pid == -1) {
            int reason = errno;
            for (int j = 0; j < i; j++) { // leave none of them behind
                (void)kill(family->pids[j], SIGKILL);
                (void)waitpid(family->pids[j], nullptr, 0);
            }
            errno = reason;
            die("fork");
        }
        family->pids[i] = pid;
        family->left++;
        say("Child proc id: %d", pid);
    }
}

static void show_removed(pid_t pid, int status, void *context) {
    struct family *family = static_cast<struct family *>(context);
    int i = 0;
    while (i < child_count && family->pids[i] != pid)
        i++;
    if (i == child_count)
        return; // a child that was here before us
    family->left--;
    say("Removed proc id: %d", pid);
    if (WIFEXITED(status)) {
        say("Child send: %d", WEXITSTATUS(status));
    } else {
        char words[status_text_size];
        describe_status(status, words);
        say("Child %s", words);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != sent[i])
        family->failed = true;
}

static void wait_and_reap(struct family *family, int milliseconds) {
    if (wait_for(-1, milliseconds) == -1 && !child_ended)
        die("ppoll");
    if (!child_ended)
        return;
    child_ended = 0;
    bool reaped = reap_children(show_removed, family) == 0;
    // No child is there: right if all have come, else they never will.
    if (!reaped && (errno != ECHILD || family->left > 0))
        die("waitpid");
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    struct demo_number times[] = {{"child-seconds", 0, 10},
                                  {"wait-seconds", 0, 5}};
    read_demo_numbers(usage, argc, argv, times, 2);
    struct family family = {};
    if (block_signal(SIGCHLD) == -1 || set_signal(SIGCHLD, note_child) == -1)
        die("sigaction");
    start_children(&family, times[0].value);
    for (int i = 0; i < rounds; i++) {
        say("wait...");
        wait_and_reap(&family, times[1].value * 1000);
    }
    while (family.left > 0) // only where the numbers given leave some alive
        wait_and_reap(&family, -1);
    return family.failed ? exit_failed : EXIT_SUCCESS;
}
