// SPDX-License-Identifier: MIT
// inherit - state inherited over exec(3) or fork(2) that a program must neither
// depend on nor keep: signal dispositions and mask, capabilities, descriptors.
#pragma once

// The first call of every program. Resets what exec(3) passes on:
// - Each of descriptors 0, 1 and 2 that is closed is opened on /dev/null, in
//   the wrong direction: no file or socket can take its number, and using it
//   still fails with EBADF.
// - SIGCHLD gets its default disposition: while it is ignored, wait(2) blocks
//   until all children have terminated, and then fails with ECHILD.
// - SIGPIPE and SIGXFSZ are ignored: instead of killing the process, a write
//   then fails with EPIPE or EFBIG.
// - All signals are unblocked.
// Other ignored signals stay ignored, as nohup(1) requires. Returns 0, or -1
// with the errno of open(2) or sigaction(2).
int reset_inherited(void);

// Drops all capabilities, whether from a file (setcap(8)), the ambient set or
// user ID 0, by capset(2), which lowers the ambient set too (capabilities(7)).
// Returns 0, or -1 with capset(2)'s errno.
int drop_capabilities(void);

// Closes all descriptors from FIRST to LAST, by close_range(2) (Linux 5.9) or,
// where that fails, by close(2) one by one; if LAST is UINT_MAX, up to the
// highest that is open or, where /proc cannot be read, up to RLIMIT_NOFILE.
// Cannot fail: Linux closes a descriptor whatever close(2) returns.
void close_inherited(unsigned first, unsigned last);
