// SPDX-License-Identifier: MIT
// machine - what the tests need from the machine that they run on.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/machine.h"
#include "support/proc.h"
#include "support/process.h"

void prepare_test() {
    int fd = 0;
    while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= STDERR_FILENO)
        ;
    close(fd);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0L, 0L, 0L) == -1)
        skip_test("no child subreapers here, so orphans cannot be counted");
}

void skip_test(const std::string &reason) {
    printf("skipped: %s\n", reason.c_str());
    exit(skip_status);
}

void print_missing() {
    const struct {
        const char *name;
        bool there;
    } all[] = {
        {"IPv6", have_ipv6_family()},
        {"an IPv6 loopback address", have_ipv6()},
        {"seccomp(2) filters", have_seccomp()},
        {"pidfd_getfd(2)", can_copy_descriptors()},
        {"PID namespaces", have_pid_namespaces()},
        {"another user to become", can_become_limited_user()},
    };
    for (const auto &part : all)
        if (!part.there)
            printf("missing here, so cases are skipped: %s\n", part.name);
    fflush(stdout);
}

bool have_ipv6() {
    Fd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return bind(fd.get(), reinterpret_cast<struct sockaddr *>(&address),
                sizeof address) == 0;
}

bool have_ipv6_family() {
    return Fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)).get() != -1;
}

std::string every_address() {
    return have_ipv6_family() ? "[::]" : "0.0.0.0";
}

bool have_seccomp() {
    // The kernel reads the filter only if it supports filters (prctl(2)).
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) == -1 &&
           errno == EFAULT;
}

bool can_copy_descriptors() {
    Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return copy_of_descriptor(getpid(), null.get()).get() != -1;
}

// In a child, because it cannot be undone.
static bool works(bool (*attempt)()) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(attempt() ? 0 : 1);
    int status = -1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

bool have_pid_namespaces() {
    return works([] { return unshare(CLONE_NEWPID) == 0; });
}

bool can_become_limited_user() {
    if (geteuid() != 0)
        return false;
    return works([] {
        become_limited_user(100);
        // valgrind reopens the program as that user.
        const char *folder = getenv("ECHO_MP_PROGRAMS");
        bool reachable = folder != nullptr && access(folder, X_OK) == 0;
        return reachable || !under_valgrind();
    });
}

bool under_valgrind() {
    return getenv("ECHO_MP_VALGRIND") != nullptr;
}
