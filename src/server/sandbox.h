// SPDX-License-Identifier: MIT
// sandbox - a filter that allows only the system calls a server makes.
#pragma once

// Whether this build has it (Meson option `sandbox`).
bool sandbox_built_in(void);

// From here on this process and its future children may make only the calls of
// a running server, listed in sandbox.cpp: they cannot open, connect or execute
// anything, or send a signal other than SIGKILL and SIGABRT. Any other call
// kills its process (SIGSYS). The filter is installed once, by
// libseccomp (seccomp_load(3)), and inherited over fork(2): a client costs no
// further call. Under Landlock (Linux 6.12, landlock(7)) signals cannot leave
// these processes. Sets PR_SET_NO_NEW_PRIVS. Returns 0, also if not built in;
// or -1 with errno and no filter, ENOSYS if the kernel has no seccomp(2).
int sandbox_enter(void);
