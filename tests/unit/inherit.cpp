// SPDX-License-Identifier: MIT
#include <cerrno>
#include <climits>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <initializer_list>
#include <set>
#include <unistd.h>

#include "common/inherit.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/wrap.h"

static int refused_signal; // sigaction(2) fails for it
static bool no_close_range;

WRAP(sigaction);
WRAP(close_range);

int __wrap_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before) {
    if (signo != refused_signal)
        return __real_sigaction(signo, action, before);
    errno = EPERM;
    return -1;
}

int __wrap_close_range(unsigned first, unsigned last, int flags) {
    if (!no_close_range)
        return __real_close_range(first, last, flags);
    errno = ENOSYS;
    return -1;
}

TEST_CASE("a signal that cannot be reset is reported") {
    for (int signo : {SIGCHLD, SIGPIPE, SIGXFSZ}) {
        CAPTURE(signo);
        check_in_child([signo] {
            refused_signal = signo;
            REQUIRE(reset_inherited() == -1);
            REQUIRE(errno == EPERM);
        });
    }
}

TEST_CASE("a standard descriptor that cannot be opened is reported") {
    check_in_child([] {
        close(STDIN_FILENO);
        allow_descriptors(0);
        REQUIRE(reset_inherited() == -1);
        REQUIRE(errno == EMFILE);
    });
}

TEST_CASE("dispositions and mask are reset") {
    check_in_child([] {
        signal(SIGCHLD, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        block_every_signal();
        REQUIRE(reset_inherited() == 0);
        REQUIRE((signal(SIGCHLD, SIG_DFL) == SIG_DFL));
        REQUIRE((signal(SIGPIPE, SIG_DFL) == SIG_IGN));
        REQUIRE((signal(SIGXFSZ, SIG_DFL) == SIG_IGN));
        REQUIRE((signal(SIGHUP, SIG_DFL) == SIG_IGN)); // as nohup left it
        REQUIRE(status_field(getpid(), "SigBlk") == "0000000000000000");
    });
}

TEST_CASE("closed standard descriptors are occupied, but stay unusable") {
    for (int closed = 0; closed < 8; closed++) {
        CAPTURE(closed);
        check_in_child([closed] {
            for (int fd = 0; fd < 3; fd++)
                if ((closed >> fd & 1) != 0)
                    close(fd);
            REQUIRE(reset_inherited() == 0);
            REQUIRE(open("/dev/null", O_RDONLY) > STDERR_FILENO);
            char byte = 0;
            if ((closed & 1) != 0)
                REQUIRE((read(0, &byte, 1) == -1 && errno == EBADF));
            for (int fd = 1; fd < 3; fd++)
                if ((closed >> fd & 1) != 0)
                    REQUIRE((write(fd, "x", 1) == -1 && errno == EBADF));
        });
    }
}

TEST_CASE("all capabilities are dropped") {
    check_in_child([] {
        REQUIRE(drop_capabilities() == 0);
        for (const char *set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
            REQUIRE(signal_mask(getpid(), set) == 0);
    });
}

static void check_closing(unsigned first, unsigned last,
                          const std::set<int> &kept) {
    check_in_child([&] {
        for (int fd = 3; fd < 8; fd++)
            dup2(STDOUT_FILENO, fd);
        close(6);
        close(8); // may be valgrind's log
        close_inherited(first, last);
        for (int fd = 3; fd < 9; fd++)
            REQUIRE((fcntl(fd, F_GETFD) != -1) == kept.contains(fd));
    });
}

TEST_CASE("a range of descriptors is closed") {
    for (bool absent : {false, true}) {
        CAPTURE(absent);
        no_close_range = absent;
        check_closing(4, UINT_MAX, {3});
        check_closing(4, 5, {3, 7});
        check_closing(8, UINT_MAX, {3, 4, 5, 7});
    }
    no_close_range = false;
}

TEST_CASE("descriptors above a limit that was lowered are closed too") {
    check_in_child([] {
        no_close_range = true;
        dup2(STDOUT_FILENO, 20);
        allow_descriptors(15);
        close_inherited(3, UINT_MAX);
        REQUIRE(fcntl(20, F_GETFD) == -1);
    });
}
