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

static void require(int result) {
    if (result == 0)
        return;
    fprintf(stderr, "without: seccomp: %s\n", strerror(-result));
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool known = false;
    for (const Part &part : parts) {
        if (argc < 3 || strcmp(part.name, argv[1]) != 0)
            continue;
        known = true;
        auto reason = static_cast<uint32_t>(part.reason);
        const struct scmp_arg_cmp only_this = {.arg = 0,
                                               .op = SCMP_CMP_EQ,
                                               .datum_a = part.argument,
                                               .datum_b = 0};
        require(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(reason),
                                       part.call, 1, &only_this));
    }
    if (!known) {
        fprintf(stderr, "usage: without ipv6|seccomp|subreaper command "
                        "[argument...]\n");
        return 2;
    }
    require(seccomp_load(filter));
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return EXIT_FAILURE;
}
