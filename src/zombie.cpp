// SPDX-License-Identifier: MIT
// zombie - a child that has ended stays in the process table, as state Z,
// until its parent asks for its status; this parent never does. When it ends
// itself, init(1) inherits the zombie and asks. `zombie 2` stays 2 seconds.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/stream.h"

constexpr char usage[] = "usage: zombie [seconds]";

[[noreturn]] static void child(void) {
    say("Hi, I am a child process");
    say("End child process");
    _exit(EXIT_SUCCESS);
}

// Waits for the child's end, but leaves its status, and so the zombie, there.
static void await_end_only(pid_t pid) {
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == -1)
        die("waitid");
    if (info.si_code != CLD_EXITED || info.si_status != EXIT_SUCCESS)
        die_plain("child %d did not end well", pid);
}

// In a new PID namespace, /proc lists the old one's processes until it is
// mounted again: our child's ID is another process's there (pid_namespaces(7)).
static void check_proc(void) {
    char self[16] = {};
    if (readlink("/proc/self", self, sizeof self - 1) == -1)
        die("/proc/self");
    if (atoi(self) != getpid())
        die_plain("/proc is of another PID namespace");
}

// What ps(1) would show in another terminal: proc(5)'s line "State:\tZ ...".
static void show_state(pid_t pid) {
    check_proc();
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid); // fits
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        die("%s", path);
    char text[1024];
    ssize_t n = read_some(fd, text, sizeof text - 1);
    if (n == -1)
        die("%s", path);
    (void)close(fd); // it was only read
    text[n] = '\0';
    const char *state = strstr(text, "State:\t");
    if (state == nullptr)
        die_plain("%s: no state in it", path);
    state += strlen("State:\t");
    say("Child State: %.*s", static_cast<int>(strcspn(state, "\n")), state);
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    struct demo_number stay = {"seconds", 0, 30};
    read_demo_numbers(usage, argc, argv, &stay, 1);
    pid_t pid = fork();
    switch (pid) {
    case -1:
        die("fork");
    case 0:
        child();
    default:
        say("Child Process ID: %d", pid);
        await_end_only(pid);
        show_state(pid);
        (void)sleep(static_cast<unsigned>(stay.value)); // no handler: whole
        say("End parent process");
    }
    return EXIT_SUCCESS;
}
