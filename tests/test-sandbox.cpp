// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "machine.h"
#include "sandbox.h"
#include "sockets.h"
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

static const bool refused = sandbox_built_in() && !have_seccomp();
static const bool sandboxed = sandbox_built_in() && !refused;

TEST_CASE("a kernel without filters is told" * doctest::skip(!refused)) {
    CHECK(sandbox_enter() == -1);
    CHECK(errno == ENOSYS);
}

TEST_SUITE_BEGIN("with filters" * doctest::skip(refused));

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

TEST_CASE("a client is given its options inside, and no others") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Fd client = dial(port);
    int fd = client.get();
    CHECK(status_inside([fd] {
              struct client_options options = {.timeout = 1};
              return set_client_options(fd, &options);
          }) == 0);
    int broken = status_inside([fd] {
        int on = 1;
        return setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
    });
    CHECK(broken == (sandbox_built_in() ? killed : 0));
}

TEST_CASE("what no server does ends the process" * doctest::skip(!sandboxed)) {
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

TEST_CASE("a child inherits it" * doctest::skip(!sandboxed)) {
    CHECK(status_inside([] {
              pid_t pid = fork();
              if (pid == 0)
                  _exit(open("/etc/passwd", O_RDONLY));
              int status = 0;
              waitpid(pid, &status, 0);
              return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 0 : 1;
          }) == 0);
}

#ifdef HAVE_SECCOMP

// The linker hands these calls of the library to this file (--wrap).
enum class Failing { none, init, rule, load };
static Failing failing;

extern "C" {
scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);
int __real_seccomp_load(scmp_filter_ctx filter);
int __wrap_seccomp_load(scmp_filter_ctx filter);
int __real_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action,
                                  int call, unsigned count,
                                  const struct scmp_arg_cmp *conditions);
int __wrap_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action,
                                  int call, unsigned count,
                                  const struct scmp_arg_cmp *conditions);
}

scmp_filter_ctx __wrap_seccomp_init(uint32_t action) {
    return failing == Failing::init ? nullptr : __real_seccomp_init(action);
}

int __wrap_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action,
                                  int call, unsigned count,
                                  const struct scmp_arg_cmp *conditions) {
    return failing == Failing::rule
               ? -EFAULT
               : __real_seccomp_rule_add_array(filter, action, call, count,
                                               conditions);
}

int __wrap_seccomp_load(scmp_filter_ctx filter) {
    return failing == Failing::load ? -ECANCELED : __real_seccomp_load(filter);
}

// Whether sandbox_enter() fails with REASON, and leaves every call allowed.
static bool is_told(Failing call, int reason) {
    return run_in_child([call, reason] {
               failing = call;
               bool told = sandbox_enter() == -1 && errno == reason;
               Fd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
               _exit(told && file.get() != -1 ? 0 : 1);
           }).status == 0;
}

TEST_CASE("a sandbox that cannot be had is told, and is not there by half") {
    CHECK(is_told(Failing::init, ENOSYS));
    CHECK(is_told(Failing::rule, EFAULT));
    CHECK(is_told(Failing::load, ECANCELED));
}

#endif

TEST_SUITE_END();
