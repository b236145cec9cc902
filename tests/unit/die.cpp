// SPDX-License-Identifier: MIT
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "common/die.h"
#include "support/process.h"

// A run of BODY as a program of that name.
static Run run_as(const char *name, const std::function<void()> &body) {
    return run_in_child([name, &body] {
        program_invocation_short_name = const_cast<char *>(name);
        body();
    });
}

static void print_at_exit() {
    (void)!write(STDOUT_FILENO, "exit handler ran", 16);
}

TEST_CASE("die names the program, what failed and why") {
    Run child = run_as("prog", [] {
        atexit(print_at_exit);
        printf("still buffered");
        errno = ENOENT;
        die("open %s", "file");
    });
    CHECK(child.status == 1);
    CHECK(child.errors == "prog: open file: No such file or directory\n");
    CHECK(child.output.empty()); // exits as a forked child must
}

TEST_CASE("die_plain prints no reason") {
    Run child = run_as("prog", [] { die_plain("child %d", 7); });
    CHECK(child.status == 1);
    CHECK(child.errors == "prog: child 7\n");
}

TEST_CASE("die_usage has its own status; message and usage are one write") {
    Pipe writes = make_socket_pair(SOCK_SEQPACKET);
    Run child = run_as("prog", [&writes] {
        dup2(writes.write_end.get(), STDERR_FILENO);
        die_usage("usage: prog", "port is missing");
    });
    writes.write_end.close();
    CHECK(child.status == 2);
    char first[64] = {};
    CHECK(read(writes.read_end.get(), first, sizeof first) == 34);
    CHECK(std::string(first) == "prog: port is missing\nusage: prog\n");
}

TEST_CASE("without standard error the status still shows the failure") {
    Run child = run_in_child([] {
        close(STDERR_FILENO);
        warn("read");
        (void)!write(STDOUT_FILENO, "went on", 7);
        die("open");
    });
    CHECK(child.status == 1);
    CHECK(child.output == "went on");
}

TEST_CASE("warn returns") {
    Run child = run_as("prog", [] {
        errno = EIO;
        warn("read");
        warn_plain("%s", std::string(5000, 'x').c_str());
    });
    CHECK(child.status == 0);
    CHECK(child.errors == "prog: read: Input/output error\nprog: " +
                              std::string(511, 'x') + "\n");
}
