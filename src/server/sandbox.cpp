// SPDX-License-Identifier: MIT
#include "server/sandbox.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The comments name the callers. Of two forms of a call, the C library and the
// architecture use one.
constexpr int allowed_calls[] = {
    SCMP_SYS(accept4), // accept_from()
    SCMP_SYS(ppoll),   // wait_for()
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(fork), // musl; glibc uses clone, below
    SCMP_SYS(close),
    SCMP_SYS(set_robust_list), // glibc, in a new process
    SCMP_SYS(set_tid_address), // musl, in a new process
    SCMP_SYS(close_range),     // close_inherited()
    SCMP_SYS(read),            // read_some()
    SCMP_SYS(write),           // write_all(), the log
    SCMP_SYS(restart_syscall), // a waiting call, after SIGSTOP and SIGCONT
    SCMP_SYS(rt_sigaction),    // abort(3)
    SCMP_SYS(rt_sigprocmask),  // pause_for(), abort(3)
    SCMP_SYS(rt_sigreturn),    // return from a handler
    SCMP_SYS(sigreturn),
    SCMP_SYS(wait4), // waitpid(2)
    SCMP_SYS(waitpid),
    SCMP_SYS(send), // the log on a socket
    SCMP_SYS(poll), // the log, and a non-blocking descriptor
    SCMP_SYS(setitimer),
    SCMP_SYS(clock_gettime), // now_ms(), without the vDSO
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep), // pause_for()
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(munmap), // children_close()
    SCMP_SYS(brk),    // seccomp_release(), to shrink the heap
    SCMP_SYS(writev), // the C library's message before abort(3)
    SCMP_SYS(getpid), // abort(3)
    SCMP_SYS(gettid),
    SCMP_SYS(exit_group),
};

// is() is for pointers, int_is() for int arguments, whose register's upper half
// the kernel ignores.
constexpr struct scmp_arg_cmp is(unsigned argument, scmp_datum_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

constexpr struct scmp_arg_cmp int_is(unsigned argument, uint32_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value};
}

// fork(2) as clone(2): SIGCHLD on termination, and the C library's two flags
// for the thread ID. No thread, shared memory or namespace.
constexpr struct scmp_arg_cmp forks = {
    0, SCMP_CMP_MASKED_EQ,
    ~scmp_datum_t{CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID}, SIGCHLD};

// Memory without PROT_EXEC, for the C library's message before abort(3).
constexpr struct scmp_arg_cmp maps_data = {
    2, SCMP_CMP_MASKED_EQ, ~scmp_datum_t{PROT_READ | PROT_WRITE}, 0};

// i386 passes mmap's arguments in memory, where a filter cannot see them.
#ifdef SYS_mmap2
constexpr int mmap_call = SCMP_SYS(mmap2);
#else
constexpr int mmap_call = SCMP_SYS(mmap);
#endif

// Calls allowed only with these arguments. For each network call, libseccomp
// also allows its form in socketcall(2), if the machine has one, where the
// conditions apply to unrelated registers. That never admits setsockopt, whose
// level would have to equal a pointer.
constexpr struct {
    int call;
    unsigned count;
    struct scmp_arg_cmp conditions[2];
} restricted_calls[] = {
    {SCMP_SYS(clone), 1, {forks}},
    {mmap_call, 1, {maps_data}},
    {SCMP_SYS(fcntl), 1, {int_is(1, F_GETFL)}}, // non-blocking, or a time-out?
    {SCMP_SYS(fcntl64), 1, {int_is(1, F_GETFL)}},
    {SCMP_SYS(ioctl), 1, {int_is(1, TIOCOUTQ)}}, // a stalled peer, or slow?
// the log's send(2); where there is socketcall(2), glibc calls that instead
#if !defined SYS_socketcall || !defined __GLIBC__
    {SCMP_SYS(sendto), 1, {is(4, 0)}},
#endif
    {SCMP_SYS(tgkill), 1, {int_is(2, SIGABRT)}}, // abort(3)
    // set_client_options(), if the listener was passed in
    {SCMP_SYS(setsockopt), 2, {int_is(1, IPPROTO_TCP), int_is(2, TCP_NODELAY)}},
    {SCMP_SYS(setsockopt),
     2,
     {int_is(1, IPPROTO_TCP), int_is(2, TCP_NOTSENT_LOWAT)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_KEEPALIVE)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_OOBINLINE)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_RCVTIMEO)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_SNDTIMEO)}},
};

// SIGKILL to a single process. A positive pid has some bit set, but not the
// sign bit; 0 and below would be a process group, or every process.
static int allow_kill(scmp_filter_ctx filter) {
    constexpr scmp_datum_t sign = scmp_datum_t{1} << 31;
    int error = 0;
    for (scmp_datum_t bit = 1; bit < sign && error == 0; bit <<= 1) {
        const struct scmp_arg_cmp conditions[] = {
            {0, SCMP_CMP_MASKED_EQ, sign | bit, bit}, int_is(1, SIGKILL)};
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill),
                                       2, conditions);
    }
    return error;
}

static int add_rules(scmp_filter_ctx filter) {
    int error = 0;
    for (int call : allowed_calls)
        if (error == 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0,
                                           nullptr);
    for (const auto &rule : restricted_calls)
        if (error == 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule.call,
                                           rule.count, rule.conditions);
    return error == 0 ? allow_kill(filter) : error;
}

// By Landlock (Linux 6.12), no signal reaches another process. Without it, the
// filter still limits signals to SIGKILL and SIGABRT.
static void confine_signals(void) {
    // As in linux/landlock.h since Linux 6.12.
    const struct {
        uint64_t files, network, scoped;
    } rules = {0, 0, 1 << 1}; // LANDLOCK_SCOPE_SIGNAL
    long ruleset =
        syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (ruleset == -1)
        return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0)
        (void)syscall(SYS_landlock_restrict_self, ruleset, 0);
    (void)close(static_cast<int>(ruleset)); // the restriction stays
}

bool sandbox_built_in(void) {
    return true;
}

int sandbox_enter(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == nullptr) { // no errno; this is the likely reason
        errno = ENOSYS;
        return -1;
    }
    int error = add_rules(filter);
    if (error == 0)
        confine_signals();
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    errno = -error; // libseccomp returns -errno
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
