// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <unistd.h>

#include "common/signals.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/waiting.h"

static volatile sig_atomic_t handled;

static void note(int) {
    handled = handled + 1;
}

static void raise_blocked(int signo) {
    REQUIRE(set_signal(signo, note) == 0);
    REQUIRE(block_signal(signo) == 0);
    REQUIRE(raise(signo) == 0);
    REQUIRE(handled == 0);
}

TEST_CASE("set_signal installs the handler without SA_RESTART") {
    check_in_child([] {
        struct sigaction now = {};
        REQUIRE(set_signal(SIGUSR1, note) == 0);
        REQUIRE(sigaction(SIGUSR1, nullptr, &now) == 0);
        REQUIRE((now.sa_handler == note));
        REQUIRE((now.sa_flags & (SA_RESTART | SA_NOCLDSTOP)) == SA_NOCLDSTOP);
    });
    CHECK(set_signal(SIGKILL, note) == -1);
    CHECK(errno == EINVAL);
}

TEST_CASE("a pending signal interrupts wait_for, which blocks it again") {
    check_in_child([] {
        raise_blocked(SIGUSR1);
        REQUIRE(wait_for(-1, -1) == -1);
        REQUIRE(errno == EINTR);
        REQUIRE(handled == 1);
        REQUIRE(raise(SIGUSR1) == 0);
        REQUIRE(handled == 1);
    });
}

TEST_CASE("pause_for lets signals be delivered, and blocks them again") {
    check_in_child([] {
        raise_blocked(SIGUSR1);
        pause_for(1);
        REQUIRE(handled == 1);
        REQUIRE(raise(SIGUSR1) == 0);
        REQUIRE(handled == 1);
    });
}

TEST_CASE("wait_for tells a readable descriptor from a timeout") {
    Pipe pipe = make_pipe();
    CHECK(wait_for(pipe.read_end.get(), 0) == 0);
    CHECK(wait_for(pipe.read_end.get(), 1) == 0);
    REQUIRE(write(pipe.write_end.get(), "x", 1) == 1);
    CHECK(wait_for(pipe.read_end.get(), -1) == 1);
    Pipe ended = make_pipe();
    ended.write_end.close();
    CHECK(wait_for(ended.read_end.get(), -1) == 1);
}

TEST_CASE("wait_without defers one signal and no other") {
    check_in_child([] {
        raise_blocked(SIGUSR1);
        REQUIRE(wait_without(SIGUSR1, -1, 1) == 0);
        REQUIRE(handled == 0);
        raise_blocked(SIGUSR2);
        REQUIRE(wait_without(SIGUSR1, -1, -1) == -1);
        REQUIRE(errno == EINTR);
        REQUIRE(handled == 1);
    });
}

TEST_CASE("an ignored signal is detected") {
    check_in_child([] {
        REQUIRE(set_signal(SIGUSR1, SIG_IGN) == 0);
        REQUIRE(signal_ignored(SIGUSR1) == 1);
        REQUIRE(set_signal(SIGUSR1, note) == 0);
        REQUIRE(signal_ignored(SIGUSR1) == 0);
        REQUIRE(set_signal(SIGUSR1, SIG_DFL) == 0);
        REQUIRE(signal_ignored(SIGUSR1) == 0);
    });
    CHECK(signal_ignored(-1) == -1);
    CHECK(errno == EINVAL);
}

TEST_CASE("unblock_signals unblocks every signal") {
    check_in_child([] {
        block_every_signal();
        raise_blocked(SIGUSR1);
        REQUIRE(unblock_signals() == 0);
        REQUIRE(handled == 1);
        REQUIRE(signal_mask(getpid(), "SigBlk") == 0);
    });
}

TEST_CASE("a child that asks for it terminates with its parent") {
    pid_t grandchild = 0;
    {
        Process parent([] {
            pid_t self = getpid();
            if (fork() == 0) {
                setpgid(0, 0); // beyond the test's own cleanup
                REQUIRE(end_with_parent(self) == 0);
                dprintf(STDOUT_FILENO, "%d\n", getpid());
            }
            pause();
        });
        REQUIRE(parent.output_has("\n"));
        grandchild = std::stoi(parent.output);
        CHECK(process_state(grandchild) != "");
    }
    CHECK(eventually([grandchild] {
        std::string state = process_state(grandchild);
        return state == "" || state == "Z";
    }));
    (void)kill(grandchild, SIGKILL);
}

TEST_CASE("a parent that has already terminated is noticed") {
    check_in_child([] {
        REQUIRE(end_with_parent(getppid() + 1) == -1);
        REQUIRE(errno == ESRCH);
    });
}
