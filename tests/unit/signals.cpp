// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/signals.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/waiting.h"

static volatile sig_atomic_t handled;

static void note(int) {
    handled = handled + 1;
}

// Runs BODY in a process of its own, as it changes dispositions and masks.
static int status_of(const std::function<bool()> &body) {
    return run_in_child([&body] { _exit(body() ? 0 : 1); }).status;
}

TEST_CASE("set_signal installs the handler without SA_RESTART") {
    CHECK(status_of([] {
              struct sigaction now = {};
              return set_signal(SIGUSR1, note) == 0 &&
                     sigaction(SIGUSR1, nullptr, &now) == 0 &&
                     now.sa_handler == note &&
                     (now.sa_flags & SA_RESTART) == 0 &&
                     (now.sa_flags & SA_NOCLDSTOP) != 0;
          }) == 0);
    CHECK(set_signal(SIGKILL, note) == -1);
    CHECK(errno == EINVAL);
}

TEST_CASE("a signal pending before the sleep interrupts it at once") {
    CHECK(status_of([] {
              if (set_signal(SIGUSR1, note) == -1 ||
                  block_signal(SIGUSR1) == -1 || raise(SIGUSR1) != 0 ||
                  handled != 0)
                  return false;
              return wait_for(-1, -1) == -1 && errno == EINTR && handled == 1;
          }) == 0);
}

TEST_CASE("wait_for blocks the signal again") {
    CHECK(status_of([] {
              if (set_signal(SIGUSR1, note) == -1 ||
                  block_signal(SIGUSR1) == -1 || raise(SIGUSR1) != 0 ||
                  wait_for(-1, -1) != -1 || raise(SIGUSR1) != 0)
                  return false;
              return handled == 1;
          }) == 0);
}

TEST_CASE("pause_for lets signals be delivered, and blocks them again") {
    CHECK(status_of([] {
              if (set_signal(SIGUSR1, note) == -1 ||
                  block_signal(SIGUSR1) == -1 || raise(SIGUSR1) != 0)
                  return false;
              pause_for(1);
              return handled == 1 && raise(SIGUSR1) == 0 && handled == 1;
          }) == 0);
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
    CHECK(status_of([] {
              block_every_signal();
              if (set_signal(SIGUSR1, note) == -1 ||
                  set_signal(SIGUSR2, note) == -1 || raise(SIGUSR1) != 0)
                  return false;
              if (wait_without(SIGUSR1, -1, 1) != 0 || handled != 0 ||
                  raise(SIGUSR2) != 0)
                  return false;
              return wait_without(SIGUSR1, -1, -1) == -1 && errno == EINTR &&
                     handled == 1;
          }) == 0);
}

TEST_CASE("an ignored signal is detected") {
    CHECK(status_of([] {
              return set_signal(SIGUSR1, SIG_IGN) == 0 &&
                     signal_ignored(SIGUSR1) == 1 &&
                     set_signal(SIGUSR1, note) == 0 &&
                     signal_ignored(SIGUSR1) == 0 &&
                     set_signal(SIGUSR1, SIG_DFL) == 0 &&
                     signal_ignored(SIGUSR1) == 0;
          }) == 0);
    CHECK(signal_ignored(-1) == -1);
    CHECK(errno == EINVAL);
}

TEST_CASE("unblock_signals unblocks every signal") {
    CHECK(status_of([] {
              block_every_signal();
              if (set_signal(SIGUSR1, note) == -1 || raise(SIGUSR1) != 0)
                  return false;
              return handled == 0 && unblock_signals() == 0 && handled == 1;
          }) == 0);
}

TEST_CASE("a child that asks for it terminates with its parent") {
    Pipe pipe = make_pipe();
    int fd = pipe.write_end.get();
    pid_t grandchild = 0;
    {
        Process parent([fd] {
            pid_t self = getpid();
            pid_t child = fork();
            if (child == 0) {
                setpgid(0, 0); // beyond the test's own cleanup
                if (end_with_parent(self) == -1)
                    _exit(1);
                child = getpid();
                _exit(write(fd, &child, sizeof child) > 0 ? pause() : 1);
            }
            pause();
        });
        REQUIRE(read(pipe.read_end.get(), &grandchild, sizeof grandchild) ==
                sizeof grandchild);
        CHECK(process_state(grandchild) != "");
    }
    CHECK(eventually([grandchild] {
        std::string state = process_state(grandchild);
        return state == "" || state == "Z";
    }));
}

TEST_CASE("a parent that has already terminated is noticed") {
    CHECK(status_of([] {
              return end_with_parent(getppid() + 1) == -1 && errno == ESRCH;
          }) == 0);
}
