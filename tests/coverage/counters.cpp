// SPDX-License-Identifier: MIT
// counters - linked in only where coverage is measured. A process writes its
// counters in exit(3), which is not reached by the children of these programs,
// nor by a process that terminates itself with a signal: the linker redirects
// their calls to this file (--wrap), which writes the counters first. A process
// terminated by another one's signal is not counted.
#include <csignal>
#include <cstdio>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <gcov.h> // has no extern "C" of its own

[[noreturn]] void __real__exit(int status);
[[noreturn]] void __wrap__exit(int status);
int __real_raise(int signo);
int __wrap_raise(int signo);
int __real_kill(pid_t pid, int signo);
int __wrap_kill(pid_t pid, int signo);
int __real_setuid(uid_t user);
int __wrap_setuid(uid_t user);
}

constexpr int most_turns = 2000; // of one millisecond each

// A child counts from zero: its parent writes what was counted before the fork.
[[gnu::constructor]] static void count_each_process_apart() {
    (void)pthread_atfork(nullptr, nullptr, __gcov_reset);
}

// A test may have left the process no descriptor for the counter files.
static void write_counters() {
    struct rlimit limit = {};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    __gcov_dump();
}

void __wrap__exit(int status) {
    write_counters();
    __real__exit(status);
}

int __wrap_raise(int signo) {
    write_counters();
    __gcov_reset(); // in case the process continues
    return __real_raise(signo);
}

static bool catches(pid_t pid, int signo) {
    char path[32];
    char line[256];
    unsigned long long caught = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status != nullptr && fgets(line, sizeof line, status) != nullptr)
        if (sscanf(line, "SigCgt: %llx", &caught) == 1)
            break;
    if (status != nullptr)
        (void)fclose(status);
    return (caught >> (signo - 1) & 1) != 0;
}

// Two signals, because the second ends the server's grace period; and a bounded
// wait, because a stopped process never handles them.
static void ask_to_end(pid_t pid) {
    (void)__real_kill(pid, SIGTERM);
    (void)__real_kill(pid, SIGINT);
    for (int left = most_turns; left > 0; left--) {
        siginfo_t info = {};
        if (waitid(P_PID, static_cast<id_t>(pid), &info,
                   WEXITED | WNOHANG | WNOWAIT) == -1 ||
            info.si_pid == pid)
            return;
        (void)usleep(1000);
    }
}

// The tests kill what they have started by process group. A group leader that
// is a server or a client is first given time to terminate by itself.
int __wrap_kill(pid_t pid, int signo) {
    if (pid < -1 && signo == SIGKILL && catches(-pid, SIGTERM))
        ask_to_end(-pid);
    return __real_kill(pid, signo);
}

// Keeps CAPABILITY, also across exec, for a process that is no longer root.
static int keep_capability(unsigned capability) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __u32 set = 1U << capability;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {set, set, set}, {0, 0, 0}};
    if (syscall(SYS_capset, &header, data) == -1)
        return -1;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}

// The tests of failing forks switch to another user, who could not write the
// counter files: they belong to root, as the build folder does.
int __wrap_setuid(uid_t user) {
    if (prctl(PR_SET_KEEPCAPS, 1) == -1 || __real_setuid(user) == -1)
        return -1;
    return keep_capability(CAP_DAC_OVERRIDE);
}
