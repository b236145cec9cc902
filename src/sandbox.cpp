// SPDX-License-Identifier: MIT
// sandbox - give up every system call that a server does not make.
#include "sandbox.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

// By reason; the C library decides which of two forms it uses.
constexpr int kept_calls[] = {
    // take a client
    SCMP_SYS(accept4),
    SCMP_SYS(ppoll),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(close),
    SCMP_SYS(fork),
    SCMP_SYS(set_robust_list), // the C library in a new process: glibc
    SCMP_SYS(set_tid_address), // and musl
    SCMP_SYS(close_range),
    // serve it
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(fcntl), // is it non-blocking, or was that the time-out?
    SCMP_SYS(fcntl64),
    SCMP_SYS(restart_syscall), // a call goes on after SIGSTOP and SIGCONT
    // signals and children
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(kill),
    SCMP_SYS(wait4),
    SCMP_SYS(waitpid),
    // log lines and time
    SCMP_SYS(poll),
    SCMP_SYS(sendto),
    SCMP_SYS(send),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(setitimer), // a write that blocks
    // free memory
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    // the C library's last words, and abort(3), when it finds memory overrun
    SCMP_SYS(writev),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    // end
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

// fork(2) as clone(2): only the exit signal and the C library's two notes of
// the thread ID. No thread, no shared memory, no namespace of its own.
constexpr scmp_datum_t fork_flags =
    CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CSIGNAL;

// Memory, but none that can be executed.
constexpr scmp_datum_t memory_only = PROT_READ | PROT_WRITE;

// What set_client_options() sets on the client of an inherited listener.
constexpr struct {
    unsigned level, option;
} client_options[] = {
    {IPPROTO_TCP, TCP_NODELAY}, {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_OOBINLINE}, {SOL_SOCKET, SO_RCVTIMEO},
    {SOL_SOCKET, SO_SNDTIMEO},  {IPPROTO_TCP, TCP_USER_TIMEOUT},
};

static int add_client_options(scmp_filter_ctx filter) {
    constexpr scmp_datum_t whole_int = UINT32_MAX;
    int error = 0;
    for (const auto &kept : client_options) {
        const struct scmp_arg_cmp only_this[] = {
            {1, SCMP_CMP_MASKED_EQ, whole_int, kept.level},
            {2, SCMP_CMP_MASKED_EQ, whole_int, kept.option}};
        if (error == 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
                                           SCMP_SYS(setsockopt), 2, only_this);
    }
    return error;
}

static int add_rules(scmp_filter_ctx filter) {
    const struct scmp_arg_cmp only_fork_flags = {.arg = 0,
                                                 .op = SCMP_CMP_MASKED_EQ,
                                                 .datum_a = ~fork_flags,
                                                 .datum_b = 0};
    const struct scmp_arg_cmp only_memory = {.arg = 2,
                                             .op = SCMP_CMP_MASKED_EQ,
                                             .datum_a = ~memory_only,
                                             .datum_b = 0};
    int error = 0;
    for (int call : kept_calls)
        if (error == 0)
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    if (error == 0)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone),
                                       1, &only_fork_flags);
    if (error == 0)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap),
                                       1, &only_memory);
    if (error == 0)
        error = add_client_options(filter);
    return error;
}

bool sandbox_built_in(void) {
    return true;
}

int sandbox_enter(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == nullptr) { // it gives no reason; this is the likely one
        errno = ENOSYS;
        return -1;
    }
    int error = add_rules(filter);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    errno = -error; // libseccomp returns it, negative, and sets none
    return error == 0 ? 0 : -1;
}

#else

bool sandbox_built_in(void) {
    return false;
}

int sandbox_enter(void) {
    return 0;
}

#endif
