// SPDX-License-Identifier: MIT
// processes - a forking server's calls for its children: fork(2), waitpid(2)
// and kill(2).
#pragma once

#include <sys/types.h>

pid_t modelled_fork(void);
pid_t modelled_waitpid(pid_t pid, int *status, int options);
int modelled_kill(pid_t pid, int signo);
