// SPDX-License-Identifier: MIT
// without - runs a command, such as a test, as on a machine without a feature:
// a system call with the given first argument fails.
// usage: without ipv6|seccomp|subreaper COMMAND [ARGUMENT...]
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct Part {
    const char *name;
    int call;
    scmp_datum_t argument;
    int reason;
};

static const Part parts[] = {
    {"ipv6", SCMP_SYS(socket), AF_INET6, EAFNOSUPPORT},
    // If one of these calls is unknown, libseccomp tries the other.
    {"seccomp", SCMP_SYS(prctl), PR_SET_SECCOMP, EINVAL},
    {"seccomp", SCMP_SYS(seccomp), 0, ENOSYS},
    {"seccomp", SCMP_SYS(seccomp), 1, ENOSYS},
    {"subreaper", SCMP_SYS(prctl), PR_SET_CHILD_SUBREAPER, EINVAL},
};

// Returns how many calls fail from now on, or -1 with errno set.
static int take_away(const char *name) {
    int count = 0;
    int error = 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (const Part &part : parts) {
        if (error != 0 || strcmp(part.name, name) != 0)
            continue;
        auto reason = static_cast<uint32_t>(part.reason);
        const struct scmp_arg_cmp only_this = {.arg = 0,
                                               .op = SCMP_CMP_EQ,
                                               .datum_a = part.argument,
                                               .datum_b = 0};
        error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(reason),
                                       part.call, 1, &only_this);
        count++;
    }
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    errno = -error;
    return error == 0 ? count : -1;
}

int main(int argc, char **argv) {
    int count = argc > 2 ? take_away(argv[1]) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: without ipv6|seccomp|subreaper command "
                        "[argument...]\n");
        return 2;
    }
    if (count == -1)
        perror(argv[1]);
    else {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
    }
    return EXIT_FAILURE;
}
