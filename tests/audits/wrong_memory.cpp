// SPDX-License-Identifier: MIT
// wrong_memory - makes one deliberate mistake, in a child that calls _exit and
// whose status is never looked at: the memory checkers, and the tests that read
// their reports, must find it all the same.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// Volatile, so that no compiler optimizes a mistake away.
static volatile size_t size = 10;
static volatile int largest = INT_MAX;
static char *volatile held;

static void none(void) {
}

static void overrun(void) {
    held = static_cast<char *>(malloc(size));
    held[size] = 1;
    free(held);
}

static void undefined(void) {
    largest = largest + 1;
}

static void leak(void) {
    held = static_cast<char *>(malloc(size));
    held = nullptr;
}

static void uninitialized(void) {
    held = static_cast<char *>(malloc(size));
    if (held[0] == 'x')
        largest = 0;
    free(held);
}

static void open_descriptor(void) {
    largest = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// Like a server's child that has not closed it when the grace period ends.
static void open_listener(void) {
    largest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)listen(largest, 1);
    (void)raise(SIGTERM);
}

static const struct {
    const char *name;
    void (*make)(void);
} mistakes[] = {
    {"none", none},
    {"overrun", overrun},
    {"undefined", undefined},
    {"leak", leak},
    {"uninitialized", uninitialized},
    {"open_descriptor", open_descriptor},
    {"open_listener", open_listener},
};

static int run(void (*mistake)(void)) {
    pid_t pid = fork();
    switch (pid) {
    case -1:
        return EXIT_FAILURE;
    case 0:
        mistake();
        _exit(EXIT_SUCCESS);
    default:
        // LeakSanitizer only looks for leaks when main returns.
        if (mistake == leak)
            leak();
        return waitpid(pid, nullptr, 0) == pid ? EXIT_SUCCESS : EXIT_FAILURE;
    }
}

int main(int argc, char **argv) {
    for (const auto &mistake : mistakes)
        if (argc == 2 && strcmp(argv[1], mistake.name) == 0)
            return run(mistake.make);
    return 2;
}
