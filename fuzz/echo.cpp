// SPDX-License-Identifier: MIT
// echo - the echo loop against a modelled socket: the linker hands each read
// and write of the library to this file (--wrap), and the input decides what
// they answer: whole, short, interrupted, ended, or failed for good.
#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "input.h"
#include "stream.h"

constexpr int most_interruptions = 4; // in a row

static struct {
    bool armed;
    struct fuzz_input input;
    int interruptions;
    int error;           // the permanent one, once it has come
    bool ended;          // a read has said so
    uint8_t given[4096]; // what reads gave: the output must be a prefix of it
    size_t given_size, echoed_size;
} model;

extern "C" {
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
}

// What the next call does: 0 fails for good, 1 is interrupted, 2 ends, and more
// moves bytes, CHOICE / 4 + 1 of them at most.
static ssize_t decide(const int *errors, size_t *most) {
    must(model.error == 0 && !model.ended); // nobody calls again after that
    uint8_t choice = take_control(&model.input);
    if (choice % 4 == 1 && model.interruptions < most_interruptions) {
        model.interruptions++;
        errno = EINTR;
        return -1;
    }
    model.interruptions = 0;
    if (choice % 4 == 0) {
        model.error = errors[choice / 4 % 4];
        errno = model.error;
        return -1;
    }
    *most = choice / 4 + size_t{1};
    return choice % 4 == 2 ? 0 : 1;
}

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (!model.armed)
        return __real_read(fd, buffer, size);
    constexpr int errors[4] = {ECONNRESET, EAGAIN, ETIMEDOUT, EIO};
    size_t most = 0;
    ssize_t decision = decide(errors, &most);
    if (decision == -1)
        return -1;
    size_t room = sizeof model.given - model.given_size;
    size_t limit = most < size ? most : size;
    const uint8_t *bytes = nullptr;
    size_t n = 0;
    if (decision == 1)
        n = take_payload(&model.input, limit < room ? limit : room, &bytes);
    if (n > 0)
        memcpy(buffer, bytes, n);
    if (n > 0)
        memcpy(model.given + model.given_size, bytes, n);
    model.given_size += n;
    model.ended = n == 0;
    return static_cast<ssize_t>(n);
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size) {
    if (!model.armed)
        return __real_write(fd, buffer, size);
    must(size > 0 && size <= model.given_size - model.echoed_size);
    must(memcmp(buffer, model.given + model.echoed_size, size) == 0);
    constexpr int errors[4] = {EPIPE, ECONNRESET, EAGAIN, EIO};
    size_t most = 0;
    ssize_t decision = decide(errors, &most);
    if (decision == -1)
        return -1;
    if (decision == 0) { // it took nothing, and gave no reason
        model.error = EIO;
        return 0;
    }
    size_t n = most < size ? most : size;
    model.echoed_size += n;
    return static_cast<ssize_t>(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model.input = {data, size};
    model.interruptions = 0;
    model.error = 0;
    model.ended = false;
    model.given_size = 0;
    model.echoed_size = 0;
    model.armed = true;
    int result = echo_stream(-1);
    int error = errno;
    model.armed = false;
    if (result == 0)
        must(model.ended && model.echoed_size == model.given_size);
    else
        must(result == -1 && model.error != 0 && error == model.error);
    return 0;
}
