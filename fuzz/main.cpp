// SPDX-License-Identifier: MIT
// main - runs a fuzz target over files, and over the files of folders, when no
// fuzzing engine is linked in. Takes the engine's command line; options, which
// begin with '-', are ignored. Each input is in a heap block of its exact size,
// which shows reads past it, and runs twice, which shows state left by the
// first run. Fails if a file cannot be read or nothing was run.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

static int inputs_run;

[[noreturn]] static void fail(const char *path) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
}

static void run_file(const char *path) {
    struct stat status = {};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &status) == -1)
        fail(path);
    // Not one byte more: malloc(0) may return null, or an empty block.
    size_t size = static_cast<size_t>(status.st_size);
    uint8_t *data = static_cast<uint8_t *>(malloc(size));
    if (read(fd, data, size) != status.st_size)
        fail(path);
    close(fd);
    // Flushed before the run: if it ends the process, the last line names the
    // input.
    printf("%s\n", path);
    fflush(stdout);
    for (int i = 0; i < 2; i++)
        (void)LLVMFuzzerTestOneInput(data, size); // 0 by its contract
    free(data);
    inputs_run++;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

// Sorted, so that of several failing inputs the same one is always first.
static void run_path(const char *path) {
    struct dirent **entries = nullptr;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count == -1 && errno == ENOTDIR)
        run_file(path);
    else if (count == -1)
        fail(path);
    for (int i = 0; i < count; i++) {
        char *inner = nullptr;
        if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) == -1)
            fail(path);
        run_file(inner);
        free(inner);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            run_path(argv[i]);
    printf("%d inputs, each run twice\n", inputs_run);
    return inputs_run == 0 ? 1 : 0;
}
