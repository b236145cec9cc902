// SPDX-License-Identifier: MIT
// faults - the fault matrix. Every call that the programs make fails in turn:
// its first use, its second, and so on, once and for ever, in each of the ways
// that the table lists; signals are delivered at every call. strace(1) does
// this from outside, to the unmodified programs. After each scenario the
// invariants must hold.
//
// To add a test, add a row to the table. A call that a session makes is an
// error if it has no row and is not listed as never failing.
//
// usage: fault-injection --list|quick|all|controls [word...]
// `quick` makes the first use of each call fail, `all` every use; the words
// choose scenarios (fault_jobs.h). `controls` runs mutants instead.
#include <cstdio>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "faults/fault_jobs.h"
#include "support/machine.h"

using enum Target;
using enum Reaction;
using enum Times;
using enum Invariant;

// ---- what is tested --------------------------------------------------------

// echo_mpserv runs without its sandbox: strace replaces each call that it makes
// fail with one that the sandbox would forbid.
static const Subject subjects[] = {
    {"start", start_session, "echo_mpserv -S 0"},
    {"start at", start_session, "echo_mpserv -S -a 127.0.0.1 0"},
    {"serve", serve_session, "echo_mpserv -S 0"},
    {"serve in its sandbox", serve_session, "echo_mpserv 0"},
    {"grace", grace_session, "echo_mpserv -S -g 0 0"},
    {"talk", talk_session, "echo_mpclient"},
    {"cut off", cut_off_session, "echo_mpclient -t 1000"},
    {"fork", show_session, "fork",
     "Child Proc: \\[13, 27\\]\nParent Proc: \\[9, 23\\]\n"},
    {.name = "zombie",
     .session = show_session,
     .words = "zombie 0",
     .shows =
         "Child Process ID: [0-9]+\nChild State: Z \\(zombie\\)\n"
         "End child process\nEnd parent process\nHi, I am a child process\n",
     .in_any_order = true,
     .leaves = 1},
    {"wait", show_session, "wait 0",
     "(Child PID: [0-9]+\n){2}Child send one: 3\nChild send two: 7\n"},
    {"waitpid", show_session, "waitpid 0 1", "(sleep 1sec.\n)*Child send 24\n"},
    // A fault may end a sleep.
    {"signal", show_session, "signal 1 2", "(wait...\n(Time out!\n)?){3}"},
    {"sigaction", show_session, "sigaction 1 2",
     "(wait...\n(Time out!\n)?){3}"},
    {.name = "remove_zombie",
     .session = show_session,
     .words = "remove_zombie 0 0",
     .shows = "(Child proc id: [0-9]+\n){2}Child send: 12\nChild send: 24\n"
              "(Hi! I'm child process\n){2}(Removed proc id: [0-9]+\n){2}"
              "(wait...\n){5}",
     .in_any_order = true},
};

// ---- the matrix ------------------------------------------------------------

static const Row rows[] = {
    // The server's start: it listens, or reports why it cannot.
    {"start", parent, "socket", "EMFILE ENOBUFS EACCES", both, stops,
     "socket [::]:0: "},
    {"start", parent, "socket", "EAFNOSUPPORT", once, carries_on},
    {"start at", parent, "socket", "EAFNOSUPPORT", both, stops,
     "socket 127.0.0.1:0: "},
    {"start", parent, "setsockopt", "ENOBUFS ENOMEM", both, stops,
     "setsockopt"},
    {"start", parent, "bind", "EADDRINUSE EACCES", both, stops,
     "bind [::]:0: "},
    {"start", parent, "bind", "EADDRNOTAVAIL", once, carries_on},
    {"start at", parent, "bind", "EADDRINUSE EACCES EADDRNOTAVAIL", both, stops,
     "bind 127.0.0.1:0: "},
    {"start", parent, "listen", "EADDRINUSE ENOBUFS", both, stops,
     "listen [::]:0: "},
    {"start", parent, "getsockname", "ENOBUFS", both, stops, "getsockname: "},
    {"start", parent, "rt_sigaction rt_sigprocmask", "EINVAL", both, stops},
    {"start", parent, "fcntl", "EBADF", both, ends},
    {"start", parent, "openat", "EMFILE ENOENT EACCES", both, carries_on},
    {"start", parent, "close", "EINTR EIO", both, carries_on},
    {"start", parent, "close_range", "ENOSYS", both, carries_on},
    {"start", parent, "newfstatat", "EIO", both, carries_on},
    {"start", parent, "dup2", "EBUSY EMFILE", both, carries_on},
    {"start", parent, "write", "EPIPE ENOSPC EAGAIN EIO EINTR", both,
     carries_on},
    {"start", parent, "wait4", "ECHILD EINTR", once, carries_on},
    {"start", parent, "ppoll", "EINTR ENOMEM", once, carries_on},
    {"start", parent, "capset", "EPERM", both, stops, "capset: "},
    {"start", parent, "mmap? munmap?", "ENOMEM", both, ends},
    {"start", parent, "madvise", "EINVAL ENOMEM", both, carries_on},
    {"start", parent, "getrandom?", "ENOSYS", both, carries_on},
    {"start", parent, "*", "SIGCHLD", once, carries_on},
    {"start", parent, "*", "SIGTERM", once, drains},

    // The server's parent.
    {"serve", parent, "accept4",
     "EINTR ECONNABORTED EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET "
     "EHOSTUNREACH EOPNOTSUPP ENETUNREACH EPERM ETIMEDOUT",
     both, carries_on},
    {"serve", parent, "accept4", "EAGAIN", once, carries_on},
    {"serve", parent, "accept4", "EMFILE ENFILE ENOBUFS ENOMEM", both,
     carries_on, "accept: "},
    {"serve", parent, "accept4", "EBADF EINVAL ENOTSOCK", both, stops,
     "accept: "},
    {"serve", parent, "clone", "EAGAIN ENOMEM", both, carries_on, "fork: "},
    {"serve", parent, "clone", "late", once, carries_on},
    {"serve", parent, "close", "EINTR EIO", both, carries_on},
    {"serve", parent, "ppoll", "EINTR EIO ENOMEM", both, carries_on, "ppoll: "},
    {"serve", parent, "wait4", "EINTR ECHILD", both, carries_on},
    {"serve", parent, "write", "EPIPE ENOSPC EAGAIN EIO EINTR", both,
     carries_on},
    {"serve", parent, "munmap?", "ENOMEM", both, carries_on},
    {"grace", parent, "kill", "EPERM ESRCH", both, carries_on},
    {"grace", parent, "wait4", "EINTR ECHILD", once, carries_on},
    {"grace", parent, "wait4", "EINTR ECHILD", for_ever, ends, "waitpid: "},
    {"grace", parent, "close", "EINTR EIO", both, carries_on},
    {"grace", parent, "ppoll", "EINTR ENOMEM", both, carries_on},
    {"grace", parent, "write", "EPIPE ENOSPC EAGAIN", both, carries_on},
    {"grace", parent, "munmap?", "ENOMEM", both, carries_on},

    // Its children: one that serves, and all from their first call.
    {"serve", child, "read", "ECONNRESET ETIMEDOUT EIO EAGAIN", both,
     loses_child},
    {"serve", child, "read", "EINTR", once, carries_on},
    {"serve", child, "write", "EPIPE ECONNRESET EIO 0", both, loses_child},
    {"serve", child, "write", "EINTR", once, carries_on},
    {"serve", family, "read", "ECONNRESET EIO", both, loses_child},
    {"serve", family, "close", "EINTR EIO", both, carries_on},
    {"serve", family, "close_range", "ENOSYS", both, carries_on},
    {"serve", family, "set_robust_list", "ENOSYS", both, carries_on},

    // Signals at every call of a server with its sandbox.
    {"serve in its sandbox", parent, "*", "SIGCHLD", once, carries_on},
    {"serve in its sandbox", parent, "*", "SIGTERM", once, drains},
    {"serve in its sandbox", child, "*", "SIGCHLD", once, carries_on},
    {"serve in its sandbox", child, "*", "SIGTERM", once, carries_on},
    {"serve in its sandbox", family, "*", "SIGCHLD", once, carries_on},
    {"serve in its sandbox", family, "*", "SIGTERM", once, drains},
    {"grace", parent, "*", "SIGCHLD", once, carries_on},
    {"grace", parent, "*", "SIGTERM", once, drains},

    // The client.
    {"client", parent, "socket", "EMFILE ENOBUFS EACCES EAFNOSUPPORT", both,
     stops, "connect 127.0.0.1:"},
    {"client", parent, "connect",
     "ECONNREFUSED ETIMEDOUT ENETUNREACH EADDRNOTAVAIL EACCES", both, stops,
     "connect 127.0.0.1:"},
    {"client", parent, "getsockopt setsockopt", "ENOBUFS", both, stops,
     "connect 127.0.0.1:"},
    {"client", parent, "poll", "ENOMEM EINTR", both, ends,
     "connect 127.0.0.1:"},
    {"client", parent, "getsockname getpeername", "ENOBUFS", both, carries_on},
    {"client", parent, "fcntl", "EBADF", both, ends},
    {"client", parent, "mmap", "ENOMEM", both, ends},
    {"client", parent, "getrandom?", "ENOSYS", both, carries_on},
    {"client", parent, "clone", "EAGAIN ENOMEM", both, stops, "fork: "},
    {"client", parent, "clone", "late", once, carries_on},
    {"client", parent, "rt_sigaction", "EINVAL", both, stops},
    {"client", parent, "rt_sigprocmask", "EINVAL", both, ends},
    {"client", parent, "ppoll", "EINTR", once, carries_on},
    {"client", parent, "ppoll", "ENOMEM", both, ends, "ppoll: "},
    {"client", parent, "read", "ECONNRESET ETIMEDOUT EIO", both, stops,
     "receiving: "},
    {"client", parent, "read", "EINTR", once, carries_on},
    {"client", parent, "write", "EPIPE ENOSPC EIO", both, ends},
    {"client", parent, "write", "EINTR", once, carries_on},
    {"client", parent, "wait4", "ECHILD EINTR", once, ends},
    {"client", parent, "close munmap", "EIO", both, carries_on},
    {"client", child, "read", "EIO", both, ends, "standard input: "},
    {"client", child, "read", "EINTR", once, carries_on},
    {"client", child, "write", "EPIPE ECONNRESET 0", both, ends, "sending: "},
    {"client", child, "write", "EINTR", once, carries_on},
    // Its server may close before its writer terminates.
    {"talk", parent, "shutdown?", "ENOTCONN", both, carries_on},
    {"talk", child, "close", "EINTR EIO", both, carries_on},
    {"talk", child, "shutdown", "ENOBUFS", both, ends, "shutdown: "},
    {"client", family, "prctl", "EINVAL", both, stops,
     "setting up the writer: "},
    {"client", parent, "*", "SIGCHLD", once, carries_on},
    {"client", parent, "*", "SIGTERM", once, drains},
    {"client", child, "*", "SIGCHLD", once, carries_on},
    {"client", parent, "waitid", "ECHILD EINTR", both, carries_on},
    {"client", child, "*", "SIGTERM", once, ends, "the writer was killed"},

    // The demonstrations.
    {"demo", parent, "clone", "EAGAIN ENOMEM", both, stops, "fork: "},
    {"demo", parent, "clone", "late", once, carries_on},
    {"demo", parent, "fcntl", "EBADF", both, ends},
    {"demo", parent, "rt_sigaction rt_sigprocmask", "EINVAL", both, stops},
    {"demo", parent, "write", "EIO ENOSPC EPIPE", both, stops,
     "standard output: "},
    {"demo", parent, "write", "EINTR", once, carries_on},
    {"demo", parent, "wait4 waitid", "ECHILD EINTR", both, ends, "wait"},
    {"demo", parent, "openat", "EMFILE EACCES", both, stops, "/proc/"},
    {"demo", parent, "readlink", "EACCES", both, stops, "/proc/self: "},
    {"demo", parent, "read", "EIO", both, stops, "/proc/"},
    {"demo", parent, "read", "EINTR", once, carries_on},
    {"demo", parent, "close", "EINTR EIO", both, carries_on},
    {"demo", parent, "clock_nanosleep", "EINTR", once, carries_on},
    {"demo", family, "prctl", "EINVAL", both, stops, "the parent: "},
    {"demo", family, "write", "EIO", both, ends, "standard output: "},
    {"demo", parent, "*", "SIGCHLD", once, carries_on},
    {"demo", parent, "*", "SIGTERM", once, drains},
};

// The calls that no row makes fail, and why.
static const std::map<std::string, const char *> never_fails = {
    {"brk", "glibc 2.36 may crash while it lays out its heap; see mmap"},
    {"alarm", "it has no error"},
    {"exit_group", "it does not return"},
    {"getpid", "it has no error"},
    {"getppid", "it has no error"},
    {"kill", "the client's: of a child of its own, not yet reaped"},
    {"restart_syscall", "it is the call that was interrupted"},
    {"rt_sigreturn", "it does not return"},
    {"set_robust_list", "the C library's own, for threads; see serve"},
};

// ---- servers that must be rejected -----------------------------------------

static const Control controls[] = {
    {"one-clients-error-ends-the-server",
     serves_after,
     {"accept4", "error=ECONNABORTED", 1, true}},
    {"accept-ends-the-server-without-descriptors",
     serves_after,
     {"accept4", "error=EMFILE"}},
    {"spins-when-out-of-descriptors",
     no_spin,
     {"accept4", "error=EMFILE", 1, true}},
    {"client-lost-when-fork-fails", serves_after, {"clone", "error=EAGAIN"}},
    {"closes-again", parent_descriptors, {"close", "error=EINTR"}},
    {"loses-signals", drain, {"rt_sigprocmask", "signal=SIGTERM"}, drains},
    {"read-error-ignored",
     no_spin,
     {"read", "error=EIO", 1, true},
     loses_child,
     child},
    {"parent-keeps-the-client", parent_descriptors},
    {"zombie-left", no_zombie},
    {"removed-twice", lines},
    {"wrong-status-of-the-server", exit_status},
    {"listener-kept-in-the-drain", drain},
    {"handler-prints", dispositions},
    {"no-grace", drain},
    {"child-keeps-standard-output", child_descriptors},
};

// Called first for a failed REQUIRE outside doctest's test cases.
static void explain(const doctest::AssertData &failed) {
    printf("%s:%d: %s\n", failed.m_file, failed.m_line, failed.m_expr);
    fflush(stdout);
}

static const Matrix matrix = {subjects, rows, never_fails};

// Why FORM cannot be run here; "" if it can.
static std::string hindrance(const std::string &form) {
#ifndef __x86_64__
    if (form != "controls")
        return "the rows name calls as x86-64 has them";
#endif
    if (form != "controls" && !have_ipv6_family())
        return "without IPv6 the server starts by other calls";
    if (form != "controls" && !have_seccomp())
        return "this kernel has nothing for the server's sandbox";
    return tracing_hindered();
}

int main(int argc, char **argv) {
    prepare_test();
    doctest::Context context;
    context.setAsDefaultForAssertsOutOfTestCases();
    context.setAssertHandler(explain);
    std::vector<std::string> words(argv + 1, argv + argc);
    std::string form = words.empty() ? "" : words.front();
    if (form == "--list") {
        list_matrix(matrix, controls);
        return 0;
    }
    if (form != "quick" && form != "all" && form != "controls") {
        printf("no such sweep: '%s'\n", form.c_str());
        return 2;
    }
    std::string hindered = hindrance(form);
    if (!hindered.empty())
        skip_test(hindered);
    words.erase(words.begin());
    bool good = form == "controls" ? run_controls(controls)
                                   : run_matrix(matrix, form == "all", words);
    return good ? 0 : 1;
}
