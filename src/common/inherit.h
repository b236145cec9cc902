// SPDX-License-Identifier: MIT
// inherit - what a process inherits over exec(3) and fork(2), and must not
// depend on or keep: which signals are ignored or blocked, whether standard
// input, output and error are open at all, and other open descriptors.
#pragma once

// The first call of every program. Puts in order what exec(3) hands on:
// - 0, 1 and 2 that are closed are opened on /dev/null, the wrong way round,
//   so that no file or socket opened later can become one of them, and that
//   using them still fails with EBADF as if they were closed;
// - SIGCHLD back to its default: where it is ignored, children vanish without
//   a status and wait(2) has nothing to return (signal(7));
// - SIGPIPE and SIGXFSZ ignored: a write that fails says so by EPIPE or EFBIG,
//   which is checked, instead of killing the process;
// - no signal blocked.
// Other signals that are ignored stay so, as nohup(1) relies on it. Returns 0,
// or -1 with the errno of open(2) or sigaction(2).
int reset_inherited(void);

// Gives up every capability that came by setcap(8), as an ambient one, or with
// root's user ID (capabilities(7)): by capset(2), which empties the ambient set
// as well. Returns 0, or -1 with its errno.
int drop_capabilities(void);

// Closes the descriptors from FIRST to LAST, whichever of them are open, by one
// close_range(2) (Linux 5.9); where the kernel lacks it or refuses it, by
// close(2) for each number, up to RLIMIT_NOFILE if LAST is UINT_MAX. Cannot
// fail: Linux closes a descriptor even where close(2) reports an error.
void close_inherited(unsigned first, unsigned last);
