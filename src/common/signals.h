// SPDX-License-Identifier: MIT
// signals - dispositions, masks, and waiting with signals unblocked.
//
// In the server and the client a handler only sets a flag, its signal stays
// blocked, and wait_for() unblocks it while waiting. So no other call is
// interrupted, and no signal is lost between a test of the flag and the wait.
// (Two exceptions: signals that terminate the client, client/ending.cpp; and
// the log's SIGALRM, log_open().)
#pragma once

#include <sys/types.h>

// A handler, SIG_DFL or SIG_IGN.
typedef void signal_handler(int signo);

// Sets the disposition of SIGNO by sigaction(2): with SA_NOCLDSTOP, because a
// stopped child has not terminated; without SA_RESTART; and with every signal
// blocked while the handler runs. Returns 0, or -1 with sigaction(2)'s errno.
int set_signal(int signo, signal_handler *handler);

// Whether SIGNO is ignored: 1 or 0, or -1 with sigaction(2)'s errno.
int signal_ignored(int signo);

// Blocks SIGNO, except in wait_for(). Returns 0; sigprocmask(2) cannot fail.
int block_signal(int signo);

// Unblocks every signal. Returns 0, as block_signal().
int unblock_signals(void);

// Waits, with every signal unblocked, until FD is readable (or has an error or
// end of file), MILLISECONDS have passed, or a handler has run. Uses ppoll(2)
// with an empty mask, so that a pending signal ends the wait at once. FD -1 is
// no descriptor, MILLISECONDS -1 no time limit. Returns 1 if FD is readable, 0
// after the time, or -1 with errno: EINTR if a handler has run, or ppoll(2)'s.
// If FD is readable, pending signals are not delivered: a caller whose FD
// always is must also wait with FD -1.
int wait_for(int fd, int milliseconds);

// As wait_for(), but SIGNO, if not 0, stays blocked.
int wait_without(int signo, int fd, int milliseconds);

// Sleeps for MILLISECONDS with every signal unblocked, where wait_for() fails.
// Unlike with ppoll(2), a signal just before the sleep does not interrupt it.
void pause_for(int milliseconds);

// In a child: asks for SIGKILL when the parent terminates (prctl(2),
// PR_SET_PDEATHSIG). PARENT is the parent's process ID, taken before the fork.
// Returns 0, or -1 with errno ESRCH if the parent has terminated already.
int end_with_parent(pid_t parent);
