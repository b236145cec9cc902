// SPDX-License-Identifier: MIT
// sandbox - give up every system call that a server does not make.
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

// Behind each call stands who makes it. Two forms of one call: the C library
// and the processor decide which.
constexpr int kept_calls[] = {
    SCMP_SYS(accept4), // the parent takes a client
    SCMP_SYS(ppoll),   // wait_for()
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(close),
    SCMP_SYS(set_robust_list), // glibc in a new process
    SCMP_SYS(set_tid_address), // musl in a new process
    SCMP_SYS(close_range),     // the child, of what is its parent's
    SCMP_SYS(read),            // read_some()
    SCMP_SYS(write),           // write_all(), the log
    SCMP_SYS(restart_syscall), // any that waits, after SIGSTOP and SIGCONT
    SCMP_SYS(rt_sigaction),    // abort(3)
    SCMP_SYS(rt_sigprocmask),  // pause_for(), abort(3)
    SCMP_SYS(rt_sigreturn),    // the end of a signal handler
    SCMP_SYS(sigreturn),
    SCMP_SYS(wait4), // waitpid(2)
    SCMP_SYS(waitpid),
    SCMP_SYS(send), // the log on a socket
    SCMP_SYS(poll), // the log, and a descriptor that is non-blocking
    SCMP_SYS(setitimer),
    SCMP_SYS(clock_gettime), // now_ms(), where the vDSO cannot tell
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep), // pause_for()
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(munmap), // children_close()
    SCMP_SYS(brk),    // seccomp_release(), where its heap has grown far
    SCMP_SYS(writev), // the C library's last words before abort(3)
    SCMP_SYS(getpid), // abort(3)
    SCMP_SYS(gettid),
    SCMP_SYS(exit_group),
};

// For arguments that are pointers, and for those that are int: the upper half
// of the register is then none of the kernel's business.
constexpr struct scmp_arg_cmp is(unsigned argument, scmp_datum_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

constexpr struct scmp_arg_cmp int_is(unsigned argument, uint32_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value};
}

// fork(2) as clone(2): SIGCHLD when the child ends, and the C library's two
// notes of the thread ID. No thread, no shared memory, no namespace of its own.
constexpr struct scmp_arg_cmp forks = {
    0, SCMP_CMP_MASKED_EQ,
    ~scmp_datum_t{CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID}, SIGCHLD};

// Memory that cannot be executed: the C library's, for its last words.
constexpr struct scmp_arg_cmp maps_data = {
    2, SCMP_CMP_MASKED_EQ, ~scmp_datum_t{PROT_READ | PROT_WRITE}, 0};

// What i386 calls mmap takes a pointer, and no filter sees what it points at.
#ifdef SYS_mmap2
constexpr int mmap_call = SCMP_SYS(mmap2);
#else
constexpr int mmap_call = SCMP_SYS(mmap);
#endif

// Calls that are kept with these arguments alone. With each of the network's,
// libseccomp keeps its form in socketcall(2), if there is one: the conditions
// on arguments then hold for whatever is in these registers. setsockopt is safe
// from that, for the second would have to be a pointer.
constexpr struct {
    int call;
    unsigned count;
    struct scmp_arg_cmp conditions[2];
} limited_calls[] = {
    {SCMP_SYS(clone), 1, {forks}},
    {mmap_call, 1, {maps_data}},
    {SCMP_SYS(fcntl), 1, {int_is(1, F_GETFL)}}, // non-blocking, or a time-out?
    {SCMP_SYS(fcntl64), 1, {int_is(1, F_GETFL)}},
    {SCMP_SYS(ioctl), 1, {int_is(1, TIOCOUTQ)}}, // a time-out, or slow?
// the log on a socket, to its peer; glibc makes it as `send` in socketcall(2)
#if !defined SYS_socketcall || !defined __GLIBC__
    {SCMP_SYS(sendto), 1, {is(4, 0)}},
#endif
    {SCMP_SYS(tgkill), 1, {int_is(2, SIGABRT)}}, // abort(3)
    // set_client_options(), for clients of a listener that was passed in
    {SCMP_SYS(setsockopt), 2, {int_is(1, IPPROTO_TCP), int_is(2, TCP_NODELAY)}},
    {SCMP_SYS(setsockopt),
     2,
     {int_is(1, IPPROTO_TCP), int_is(2, TCP_NOTSENT_LOWAT)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_KEEPALIVE)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_OOBINLINE)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_RCVTIMEO)}},
    {SCMP_SYS(setsockopt), 2, {int_is(1, SOL_SOCKET), int_is(2, SO_SNDTIMEO)}},
};

// SIGKILL to one process: a pid above 0 has a bit that is set, and not the
// highest. 0 and below would be a group, or everybody.
static int keep_kill(scmp_filter_ctx filter) {
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
    for (int call : kept_calls)
        if (error == 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0,
                                           nullptr);
    for (const auto &kept : limited_calls)
        if (error == 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, kept.call,
                                           kept.count, kept.conditions);
    return error == 0 ? keep_kill(filter) : error;
}

// No signal to a process outside, by Landlock (Linux 6.12); what a kernel
// without it allows, the filter limits to SIGKILL and SIGABRT.
static void keep_signals_inside(void) {
    // As linux/landlock.h has it since then.
    const struct {
        uint64_t files, network, scoped;
    } rules = {0, 0, 1 << 1}; // LANDLOCK_SCOPE_SIGNAL
    long ruleset =
        syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (ruleset == -1)
        return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0)
        (void)syscall(SYS_landlock_restrict_self, ruleset, 0);
    (void)close(static_cast<int>(ruleset)); // the process is restricted by now
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
        keep_signals_inside();
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
