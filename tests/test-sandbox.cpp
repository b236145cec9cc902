// SPDX-License-Identifier: MIT
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "support.h"

static int status_inside(const std::function<int()> &body) {
    return run_in_child([&body] {
               if (sandbox_enter() == -1)
                   _exit(99);
               _exit(body());
           })
        .status;
}

constexpr int killed = 128 + SIGSYS;

TEST_CASE("what a server does goes on inside") {
    Pipe pipe = make_pipe();
    CHECK(status_inside([&pipe] {
              char byte = 0;
              bool done = write(pipe.write_end.get(), "x", 1) == 1 &&
                          read(pipe.read_end.get(), &byte, 1) == 1;
              pid_t pid = fork();
              if (pid == 0)
                  _exit(7);
              int status = 0;
              done = done && waitpid(pid, &status, 0) == pid &&
                     WEXITSTATUS(status) == 7;
              return done ? 0 : 1;
          }) == 0);
}

TEST_CASE("what no server does ends the process" *
          doctest::skip(!sandbox_built_in())) {
    CHECK(status_inside([] { return open("/etc/passwd", O_RDONLY); }) ==
          killed);
    CHECK(status_inside([] { return socket(AF_INET, SOCK_STREAM, 0); }) ==
          killed);
    CHECK(status_inside([] { return execl("/bin/true", "true", nullptr); }) ==
          killed);
    CHECK(status_inside([] { return unshare(CLONE_NEWUSER); }) == killed);
    CHECK(status_inside([] {
              return static_cast<int>(
                  syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
          }) == killed);
}

TEST_CASE("an abort is told as what it is") {
    CHECK(status_inside([]() -> int {
              signal(SIGABRT, SIG_DFL); // doctest's own handler does more
              abort();
          }) == 128 + SIGABRT);
}

TEST_CASE("a child inherits it" * doctest::skip(!sandbox_built_in())) {
    CHECK(status_inside([] {
              pid_t pid = fork();
              if (pid == 0)
                  _exit(open("/etc/passwd", O_RDONLY));
              int status = 0;
              waitpid(pid, &status, 0);
              return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 0 : 1;
          }) == 0);
}
