// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/demonstration.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/status.h"
#include "common/stream.h"

void begin_demonstration(const char *usage, int argc, char **argv,
                         struct demo_number *numbers, int count) {
    static const struct option long_options[] = {
        {"help", no_argument, nullptr, 'h'}, {nullptr, 0, nullptr, 0}};
    if (reset_inherited() == -1)
        die("cannot reset inherited descriptors and signals");
    opterr = 0; // die_bad_option() reports instead
    int option = 0;
    while ((option = next_option(argc, argv, ":h", long_options)) != -1) {
        if (option != 'h')
            die_bad_option(usage, option, argv);
        say("%s", usage);
        exit(EXIT_SUCCESS);
    }
    if (argc - optind > count)
        die_usage(usage, "unexpected argument '%s'", argv[optind + count]);
    for (int i = 0; i < argc - optind; i++)
        numbers[i].value = static_cast<unsigned>(
            argument_number(usage, numbers[i].name, argv[optind + i],
                            static_cast<int>(numbers[i].low), most_seconds));
}

void die_of_child(pid_t pid, int status) {
    char text[status_text_size];
    describe_status(status, text);
    die_plain("child %d: %s", pid, text);
}

void die_with_parent(pid_t parent) {
    if (end_with_parent(parent) == -1)
        die("the parent");
}

// In a new PID namespace, /proc shows the old one until it is mounted again.
// There our child's ID belongs to another process (pid_namespaces(7)).
static void check_proc(void) {
    char self[16] = {};
    if (readlink("/proc/self", self, sizeof self - 1) == -1)
        die("/proc/self");
    if (atoi(self) != getpid())
        die_plain("/proc belongs to another PID namespace");
}

void read_state(pid_t pid, char text[state_text_size]) {
    check_proc();
    char path[32];
    char status[1024] = {};
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid); // fits
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || read_some(fd, status, sizeof status - 1) == -1)
        die("%s", path);
    (void)close(fd); // nothing was written
    const char *state = strstr(status, "State:\t");
    if (state == nullptr)
        die_plain("%s: no process state found", path);
    state += strlen("State:\t");
    (void)snprintf(text, state_text_size, "%.*s",
                   static_cast<int>(strcspn(state, "\n")), state);
}
