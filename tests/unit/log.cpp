// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/log.h"
#include "support/process.h"
#include "support/sockets.h"

// Runs BODY in a child whose standard output is FD.
static Run with_output(int fd, const std::function<void()> &body) {
    return run_in_child([fd, &body] {
        signal(SIGPIPE, SIG_IGN);
        dup2(fd, STDOUT_FILENO);
        body();
    });
}

static void exit_with_loss() {
    _exit(static_cast<int>(log_lines_lost()));
}

TEST_CASE("say writes one whole line at once") {
    Pipe writes = make_socket_pair(SOCK_SEQPACKET);
    Run child =
        with_output(writes.write_end.get(), [] { say("%s %d", "line", 1); });
    writes.write_end.close();
    CHECK(child.status == 0);
    char first[16] = {};
    CHECK(read(writes.read_end.get(), first, sizeof first) == 7);
    CHECK(std::string(first) == "line 1\n");
}

TEST_CASE("say terminates the program if it cannot write") {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    Run child = with_output(full.get(), [] { say("line"); });
    CHECK(child.status == 1);
    CHECK(
        child.errors.ends_with(": standard output: No space left on device\n"));
}

TEST_CASE("a line goes to standard output, an error to standard error") {
    Run child = run_in_child([] {
        (void)log_open();
        log_line("served %d", 12);
        errno = ENOMEM;
        log_error("fork %s", "it");
        log_warning("limit of %d", 7);
        exit_with_loss();
    });
    CHECK(child.status == 0);
    CHECK(child.output == "served 12\n");
    std::vector<std::string> lines = lines_of(child.errors);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].ends_with(": fork it: Cannot allocate memory"));
    CHECK(lines[1].ends_with(": limit of 7"));
}

TEST_CASE("a line that is too long is truncated, with its newline kept") {
    Run child = run_in_child([] {
        (void)log_open();
        log_line("%s", std::string(5000, 'x').c_str());
        say("%s", std::string(5000, 'y').c_str());
    });
    CHECK(child.output ==
          std::string(510, 'x') + "\n" + std::string(4094, 'y') + "\n");
}

// Logs until two lines are lost; SINK's buffer must hold only whole lines.
static void check_full_sink(const Pipe &sink) {
    Run child = with_output(sink.write_end.get(), [] {
        (void)log_open();
        while (log_lines_lost() < 2)
            log_line("%s", std::string(98, 'x').c_str());
        exit_with_loss();
    });
    CHECK(child.status == 2);
    int kept = 0;
    std::string text(1 << 20, '\0');
    fcntl(sink.read_end.get(), F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t n = read(sink.read_end.get(), text.data(), text.size());
        if (n <= 0)
            break;
        kept += count_of(std::string(98, 'x') + "\n",
                         text.substr(0, static_cast<size_t>(n)));
        CHECK(n % 99 == 0);
    }
    CHECK(kept > 0);
}

TEST_CASE("an unread pipe loses lines, and never blocks") {
    check_full_sink(make_pipe());
}

TEST_CASE("an unread socket loses lines, and never blocks") {
    check_full_sink(make_socket_pair(SOCK_SEQPACKET));
}

TEST_CASE("an unread terminal loses lines, and never blocks") {
    Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master.get() != -1);
    REQUIRE(grantpt(master.get()) == 0);
    REQUIRE(unlockpt(master.get()) == 0);
    Fd slave(open(ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave.get() != -1);
    Run child = with_output(slave.get(), [] {
        (void)log_open();
        while (log_lines_lost() < 2)
            log_line("%s", std::string(98, 'x').c_str());
        exit_with_loss();
    });
    CHECK(child.status == 2);
}

TEST_CASE("a terminal that cannot be reopened blocks only briefly") {
    Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(grantpt(master.get()) == 0);
    REQUIRE(unlockpt(master.get()) == 0);
    Fd slave(open(ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave.get() != -1);
    Run child = with_output(slave.get(), [] {
        allow_descriptors(3); // open(2) fails, as for another user's
        if (log_open() == -1)
            _exit(99);
        while (log_lines_lost() < 2)
            log_line("%s", std::string(98, 'x').c_str());
        struct itimerval timer = {};
        getitimer(ITIMER_REAL, &timer);
        if (timer.it_interval.tv_usec != 0)
            _exit(98); // it would interrupt later calls
        exit_with_loss();
    });
    CHECK(child.status == 2);
}

TEST_CASE("a truncated log continues at its start") {
    Fd file = scratch_file();
    Run child = with_output(file.get(), [] {
        (void)log_open();
        log_line("a line that is rotated away");
        if (ftruncate(STDOUT_FILENO, 0) == -1)
            _exit(99);
        log_line("next");
    });
    CHECK(child.status == 0);
    char text[100];
    ssize_t n = pread(file.get(), text, sizeof text, 0);
    CHECK(std::string(text, static_cast<size_t>(n < 0 ? 0 : n)) == "next\n");
}

TEST_CASE("the log and its starter do not overwrite each other") {
    Fd file = scratch_file();
    for (const char *line : {"one", "two"}) {
        Run child = with_output(file.get(), [line] {
            (void)log_open();
            log_line("%s", line);
        });
        CHECK(child.status == 0);
        CHECK(write(file.get(), "starter\n", 8) == 8);
    }
    char text[100];
    ssize_t n = pread(file.get(), text, sizeof text, 0);
    CHECK(std::string(text, static_cast<size_t>(n < 0 ? 0 : n)) ==
          "one\nstarter\ntwo\nstarter\n");
}

TEST_CASE("the inherited description keeps its mode") {
    Pipe pipe = make_pipe();
    int fd = pipe.write_end.get();
    CHECK(with_output(fd, [] { (void)log_open(); }).status == 0);
    CHECK((fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND)) == 0);
}

TEST_CASE("without a description of its own, a full pipe is polled first") {
    Pipe pipe = make_pipe(); // no log_open, as if there were no /proc
    Run child = with_output(pipe.write_end.get(), [] {
        while (log_lines_lost() < 2)
            log_line("%s", std::string(98, 'x').c_str());
        exit_with_loss();
    });
    CHECK(child.status == 2);
}

TEST_CASE("closed, broken and full outputs are counted") {
    auto two_lines = [] {
        (void)log_open();
        log_line("one");
        log_line("two");
        exit_with_loss();
    };
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    CHECK(with_output(full.get(), two_lines).status == 2);
    Fd unwritable(open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK(with_output(unwritable.get(), two_lines).status == 2);
    Pipe broken = make_pipe();
    broken.read_end.close();
    CHECK(with_output(broken.write_end.get(), two_lines).status == 2);
}

TEST_CASE("a closed output is counted, and the other one still works") {
    Run child = run_in_child([] {
        close(STDOUT_FILENO);
        (void)log_open();
        log_line("lost");
        errno = EIO;
        log_error("told");
        exit_with_loss();
    });
    CHECK(child.status == 1);
    CHECK(child.errors.ends_with(": told: Input/output error\n"));
}

TEST_CASE("a pipe that cannot be reopened is polled before each line") {
    Pipe pipe = make_pipe();
    Run child = with_output(pipe.write_end.get(), [] {
        allow_descriptors(3);
        (void)log_open();
        while (log_lines_lost() < 2)
            log_line("%s", std::string(98, 'x').c_str());
        exit_with_loss();
    });
    CHECK(child.status == 2);
    std::string first = receive(pipe.read_end, 99);
    CHECK(first == std::string(98, 'x') + "\n");
}

TEST_CASE("a line torn by a full file does not run into the next") {
    Fd file = scratch_file();
    Run child = with_output(file.get(), [] {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit little = {6, RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &little);
        (void)log_open();
        log_line("0123456789"); // torn
        log_line("lost");
        little.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &little);
        log_line("whole");
        log_line("whole");
        exit_with_loss();
    });
    CHECK(child.status == 2);
    lseek(file.get(), 0, SEEK_SET);
    CHECK(receive(file, 100) == "012345\nwhole\nwhole\n");
}
