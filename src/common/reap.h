// SPDX-License-Identifier: MIT
// reap - take every child that has ended out of the process table, and say in
// words how it ended.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// Called for each child reaped, STATUS as waitpid(2) gave it.
typedef void reaped_handler(pid_t pid, int status, void *context);

// Reaps until none is left that has ended, without waiting. Signals merge: one
// SIGCHLD may stand for any number of children. Returns 0 when the others are
// still running; -1 with waitpid(2)'s errno, ECHILD when there is no child.
int reap_children(reaped_handler *reaped, void *context);

// Reaps the child PID, or for -1 any one, if it has ended, without waiting. By
// its pid a child is found at once, however many there are. Returns 1, or 0
// while it runs; -1 with waitpid(2)'s errno, ECHILD if there is no such child.
int reap_child(pid_t pid, reaped_handler *reaped, void *context);

constexpr size_t status_text_size = 32;

// Writes how the child with wait status STATUS ended: "exited 3", "killed by
// signal 9".
void describe_status(int status, char text[status_text_size]);

// For a demonstration whose child PID has not done what it was to do: die(),
// saying how it ended.
[[noreturn]] void die_of_child(pid_t pid, int status);
