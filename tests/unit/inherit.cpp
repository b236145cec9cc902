// SPDX-License-Identifier: MIT
#include <cerrno>
#include <climits>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
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
        Run child = run_in_child([signo] {
            refused_signal = signo;
            _exit(reset_inherited() == -1 && errno == EPERM ? 0 : 1);
        });
        CHECK_MESSAGE(child.status == 0, "signal: ", signo);
    }
}

TEST_CASE("a standard descriptor that cannot be opened is reported") {
    Run child = run_in_child([] {
        close(STDIN_FILENO);
        allow_descriptors(0);
        _exit(reset_inherited() == -1 && errno == EMFILE ? 0 : 1);
    });
    CHECK(child.status == 0);
}

TEST_CASE("dispositions and mask are reset") {
    Run child = run_in_child([] {
        signal(SIGCHLD, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        block_every_signal();
        if (reset_inherited() == -1)
            _exit(1);
        bool right = signal(SIGCHLD, SIG_DFL) == SIG_DFL &&
                     signal(SIGPIPE, SIG_DFL) == SIG_IGN &&
                     signal(SIGXFSZ, SIG_DFL) == SIG_IGN &&
                     signal(SIGHUP, SIG_DFL) == SIG_IGN && // as nohup left it
                     status_field(getpid(), "SigBlk") == "0000000000000000";
        _exit(right ? 0 : 1);
    });
    CHECK(child.status == 0);
}

TEST_CASE("closed standard descriptors are occupied, but stay unusable") {
    for (int closed = 0; closed < 8; closed++) {
        Run child = run_in_child([closed] {
            for (int fd = 0; fd < 3; fd++)
                if ((closed >> fd & 1) != 0)
                    close(fd);
            if (reset_inherited() == -1)
                _exit(1);
            bool right = open("/dev/null", O_RDONLY) > 2;
            char byte = 0;
            if ((closed & 1) != 0)
                right = right && read(0, &byte, 1) == -1 && errno == EBADF;
            for (int fd = 1; fd < 3; fd++)
                if ((closed >> fd & 1) != 0)
                    right = right && write(fd, "x", 1) == -1 && errno == EBADF;
            _exit(right ? 0 : 1);
        });
        CHECK_MESSAGE(child.status == 0, "closed: ", closed);
    }
}

TEST_CASE("all capabilities are dropped") {
    Run child = run_in_child([] {
        bool dropped = drop_capabilities() == 0;
        for (const char *set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
            dropped = dropped && signal_mask(getpid(), set) == 0;
        _exit(dropped ? 0 : 1);
    });
    CHECK(child.status == 0);
}

static void check_closing(unsigned first, unsigned last,
                          const std::set<int> &kept) {
    Run child = run_in_child([&] {
        for (int fd = 3; fd < 8; fd++)
            dup2(STDOUT_FILENO, fd);
        close(6);
        close(8); // may be valgrind's log
        close_inherited(first, last);
        bool right = true;
        for (int fd = 3; fd < 9; fd++)
            right &= (fcntl(fd, F_GETFD) != -1) == kept.contains(fd);
        _exit(right ? 0 : 1);
    });
    CHECK(child.status == 0);
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
