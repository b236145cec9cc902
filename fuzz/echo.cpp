// SPDX-License-Identifier: MIT
// echo - the echo loop on a modelled descriptor. Oracles besides the model's:
// what was written is a prefix of what was read, and all of it unless a call
// failed; errno is that call's.
#include <errno.h>

#include "common/stream.h"
#include "input.h"
#include "kernel/calls.h"
#include "stream_model.h"

constexpr size_t room = 1024;
constexpr int descriptor = 1000; // not open in this process

static struct stream_model peer;
static short asked_events; // those that a wait after the last call must ask for

static ssize_t modelled_read(int fd, void *buffer, size_t size) {
    must(fd == descriptor);
    asked_events = POLLIN;
    return stream_read(&peer, buffer, size);
}

static ssize_t modelled_write(int fd, const void *buffer, size_t size) {
    must(fd == descriptor);
    asked_events = POLLOUT;
    return stream_write(&peer, buffer, size);
}

static int modelled_fcntl(int fd, int command, long) {
    must(fd == descriptor);
    return stream_flags(&peer, command);
}

static int modelled_ioctl(int fd, unsigned long request, int *value) {
    must(fd == descriptor);
    return stream_queued(&peer, request, value);
}

static int modelled_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    must(fds->fd == descriptor && milliseconds == -1);
    return stream_poll(&peer, fds, count, asked_events);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct modelled_calls calls = {
        .fcntl = modelled_fcntl,
        .ioctl = modelled_ioctl,
        .poll = modelled_poll,
        .read = modelled_read,
        .write = modelled_write,
    };
    struct fuzz_input input = {data, size};
    bool non_blocking = take_control(&input) % 2 == 1;
    open_stream(&peer, &input, room, non_blocking);
    answer_by(&calls);
    int result = echo_stream(descriptor);
    int error = errno;
    answer_by(nullptr);
    check_echo(&peer);
    if (result == 0)
        must(peer.ended && peer.taken_size == peer.given_size);
    else
        must(result == -1 && peer.error != 0 && error == peer.error);
    return 0;
}
