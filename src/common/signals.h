// SPDX-License-Identifier: MIT
// signals - dispositions, masks, and the one place where a signal may come in.
//
// The pattern of the server and the client: a handler only sets a flag, its
// signal is blocked, and wait_for() lets it in. Nothing else is ever
// interrupted, and no signal slips in between a look at the flag and the sleep.
// (The client's end by a signal is the exception; client/ending.cpp tells why.)
#pragma once

#include <sys/types.h>

// What sigaction(2) may install: a function, SIG_DFL or SIG_IGN.
typedef void signal_handler(int signo);

// Sets SIGNO's disposition by sigaction(2) with SA_NOCLDSTOP and without
// SA_RESTART: for SIGCHLD, a child that stops is no child that ended. Returns
// 0, or -1 with sigaction(2)'s errno (EINVAL: no such signal).
int set_signal(int signo, signal_handler *handler);

// Whether SIGNO is ignored, by sigaction(2): 1 or 0, or -1 with its errno.
int signal_ignored(int signo);

// Blocks SIGNO outside wait_for(), by sigprocmask(2). Returns 0; it knows no
// failure here.
int block_signal(int signo);

// Unblocks every signal. Returns 0; sigprocmask(2) knows no failure here.
int unblock_signals(void);

// Sleeps with every signal let in, until FD is readable (end of file and
// errors count), until MILLISECONDS have passed, or until a handler has run:
// ppoll(2) with an empty mask, so that a signal that came earlier ends the
// sleep at once. FD -1 waits for no descriptor, MILLISECONDS -1 for no time.
// Returns 1 if FD is readable, 0 when the time is over, -1 with errno: EINTR
// when a handler has run, else ppoll(2)'s. When FD is readable, waiting
// signals stay blocked: who never waits in vain must look for them with FD -1.
int wait_for(int fd, int milliseconds);

// As wait_for(), but SIGNO stays blocked: for a signal that can wait longer
// than what FD tells. 0 is none.
int wait_without(int signo, int fd, int milliseconds);

// Sleeps for MILLISECONDS with every signal let in: for where wait_for() fails.
// By sigprocmask(2) and nanosleep(2), which do not go together as ppoll(2)
// does: a signal just before the sleep is handled, but does not cut it short.
void pause_for(int milliseconds);

// In a child: asks for SIGKILL at the moment that the parent ends, by prctl(2)
// PR_SET_PDEATHSIG. PARENT is the pid that the parent had before the fork.
// Returns 0; or -1 with errno ESRCH if the parent has already ended.
int end_with_parent(pid_t parent);
