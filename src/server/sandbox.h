// SPDX-License-Identifier: MIT
// sandbox - give up every system call that a server does not make.
#pragma once

// Whether this build has it (Meson option `sandbox`).
bool sandbox_built_in(void);

// From here on this process and all its children may only accept, fork, read,
// write, close, wait, kill by SIGKILL or SIGABRT, have memory and end; any
// other call kills the process that makes it (SIGSYS). Installed once, by
// libseccomp (seccomp_load(3)), and inherited over fork(2), so that a client
// costs no further call. Their signals reach nobody but them, where the kernel
// has Landlock for it (Linux 6.12, landlock(7)). Sets PR_SET_NO_NEW_PRIVS.
// Returns 0, also where it is not built in; or -1 with errno, ENOSYS where the
// kernel has no seccomp(2): then every call is still allowed.
int sandbox_enter(void);
