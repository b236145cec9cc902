// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/log.h"
#include "support/process.h"
#include "support/sockets.h"

// Runs BODY in a child whose standard output is FD, or closed without one.
static Run with_output(const Fd &fd, const std::function<void()> &body) {
    return run_in_child([&fd, &body] {
        signal(SIGPIPE, SIG_IGN);
        close(STDOUT_FILENO);
        dup2(fd.get(), STDOUT_FILENO);
        body();
    });
}

static void exit_with_loss() {
    _exit(static_cast<int>(log_lines_lost()));
}

// All that was written to a file.
static std::string text_of(const Fd &file) {
    lseek(file.get(), 0, SEEK_SET);
    return receive_to_end(file);
}

// ---- say --------------------------------------------------------------------

TEST_CASE("say writes one whole line at once") {
    Pipe writes = make_socket_pair(SOCK_SEQPACKET);
    Run child = with_output(writes.write_end, [] { say("%s %d", "line", 1); });
    writes.write_end.close();
    CHECK(child.status == 0);
    char first[16] = {};
    CHECK(read(writes.read_end.get(), first, sizeof first) == 7);
    CHECK(std::string(first) == "line 1\n");
}

TEST_CASE("say terminates the program if it cannot write") {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    Run child = with_output(full, [] { say("line"); });
    CHECK(child.status == 1);
    CHECK(
        child.errors.ends_with(": standard output: No space left on device\n"));
}

// ---- the log's lines --------------------------------------------------------

TEST_CASE("a line goes to standard output, an error to standard error") {
    Run child = run_in_child([] {
        REQUIRE(log_open() == 0);
        log_line("served %d", 12);
        errno = ENOMEM;
        log_error("fork %s", "it");
        log_warning("limit of %d", 7);
        exit_with_loss();
    });
    CHECK(child.status == 0);
    CHECK(child.output == "served 12\n");
    CHECK(child.errors == "test-log: fork it: Cannot allocate memory\n"
                          "test-log: limit of 7\n");
}

TEST_CASE("a line that is too long is truncated, with its newline kept") {
    Run child = run_in_child([] {
        REQUIRE(log_open() == 0);
        log_line("%s", std::string(5000, 'x').c_str());
        say("%s", std::string(5000, 'y').c_str());
    });
    CHECK(child.output ==
          std::string(510, 'x') + "\n" + std::string(4094, 'y') + "\n");
}

TEST_CASE("a truncated log continues at its start") {
    Fd file = scratch_file();
    (void)with_output(file, [] {
        REQUIRE(log_open() == 0);
        log_line("a line that is rotated away");
        (void)!ftruncate(STDOUT_FILENO, 0);
        log_line("next");
    });
    CHECK(text_of(file) == "next\n");
}

TEST_CASE("the log and its starter do not overwrite each other") {
    Fd file = scratch_file();
    for (const char *line : {"one", "two"}) {
        (void)with_output(file, [line] {
            REQUIRE(log_open() == 0);
            log_line("%s", line);
        });
        CHECK(write(file.get(), "starter\n", 8) == 8);
    }
    CHECK(text_of(file) == "one\nstarter\ntwo\nstarter\n");
}

TEST_CASE("the inherited description keeps its mode") {
    Pipe pipe = make_pipe();
    CHECK(with_output(pipe.write_end, [] {
              REQUIRE(log_open() == 0);
          }).status == 0);
    CHECK((fcntl(pipe.write_end.get(), F_GETFL) & (O_NONBLOCK | O_APPEND)) ==
          0);
}

// ---- lines that are lost ----------------------------------------------------

// The master's side is the read end.
static Pipe make_terminal() {
    Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(grantpt(master.get()) == 0);
    REQUIRE(unlockpt(master.get()) == 0);
    Fd slave(open(ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave.get() != -1);
    return {std::move(master), std::move(slave)};
}

static const std::string full_line(98, 'x');

static void lose_two_lines() {
    while (log_lines_lost() < 2)
        log_line("%s", full_line.c_str());
    struct itimerval timer = {};
    getitimer(ITIMER_REAL, &timer);
    if (timer.it_interval.tv_usec != 0)
        _exit(99); // it would interrupt later calls
    exit_with_loss();
}

TEST_CASE("where nobody reads, lines are lost, and it never blocks for long") {
    const struct {
        const char *output;
        Pipe (*make)();
        std::function<void()> open;
        bool keeps_lines = true; // a terminal takes a part of one
    } cases[] = {
        {"a pipe", make_pipe, [] { REQUIRE(log_open() == 0); }},
        {"a socket", [] { return make_socket_pair(SOCK_SEQPACKET); },
         [] { REQUIRE(log_open() == 0); }},
        {"a terminal", make_terminal, [] { REQUIRE(log_open() == 0); }, false},
        {"a pipe, with no /proc to reopen it", make_pipe, [] {}},
        // As for another user's: open(2) fails.
        {"a pipe that cannot be reopened", make_pipe,
         [] {
             allow_descriptors(3);
             REQUIRE(log_open() == 0);
         }},
        {"a terminal that cannot be reopened", make_terminal,
         [] {
             allow_descriptors(3);
             REQUIRE(log_open() == 0);
         },
         false},
    };
    for (const auto &c : cases) {
        CAPTURE(std::string(c.output));
        Pipe sink = c.make();
        CHECK(with_output(sink.write_end, [&c] {
                  c.open();
                  lose_two_lines();
              }).status == 2);
        if (!c.keeps_lines)
            continue;
        // Only whole lines are there.
        sink.write_end.close();
        std::string kept = receive_to_end(sink.read_end);
        CHECK(kept.starts_with(full_line + "\n"));
        CHECK(kept.size() % (full_line.size() + 1) == 0);
    }
}

TEST_CASE("closed, broken and full outputs are counted") {
    Pipe broken = make_pipe();
    broken.read_end.close();
    const Fd outputs[] = {
        Fd(),
        Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)), // reset_inherited()'s
        Fd(open("/dev/full", O_WRONLY | O_CLOEXEC)),
        std::move(broken.write_end),
    };
    for (const Fd &output : outputs) {
        Run child = with_output(output, [] {
            REQUIRE(log_open() == 0);
            log_line("lost");
            log_line("lost");
            errno = EIO;
            log_error("told"); // the other one still works
            exit_with_loss();
        });
        CHECK(child.status == 2);
        CHECK(child.errors.ends_with(": told: Input/output error\n"));
    }
}

TEST_CASE("a closed standard error is counted, and the other still works") {
    Run child = run_in_child([] {
        close(STDERR_FILENO);
        REQUIRE(log_open() == 0);
        log_line("told");
        log_warning("lost");
        exit_with_loss();
    });
    CHECK(child.status == 1);
    CHECK(child.output == "told\n");
}

TEST_CASE("a line torn by a full file does not run into the next") {
    Fd file = scratch_file();
    Run child = with_output(file, [] {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit little = {6, RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &little);
        REQUIRE(log_open() == 0);
        log_line("0123456789"); // torn
        log_line("lost");
        little.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &little);
        log_line("whole");
        log_line("whole");
        exit_with_loss();
    });
    CHECK(child.status == 2);
    CHECK(text_of(file) == "012345\nwhole\nwhole\n");
}
