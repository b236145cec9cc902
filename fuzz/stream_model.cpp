// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "stream_model.h"

constexpr int most_interruptions = 4; // in a row

// A control byte is an outcome and a number. An exhausted input gives 0, which
// must end everything: a failure.
enum outcome { fails, is_interrupted, moves_nothing, moves_bytes };
constexpr unsigned outcomes = 4;
// Bytes to move are the number + 1, except for the largest: all.
constexpr unsigned all = 63;
constexpr size_t repeated = 8; // bytes of payload, by a read of all

struct decision {
    enum outcome outcome;
    unsigned number;
};

// Two descriptors in a row have different places.
static struct stream_model streams[2];

static struct stream_model *place_of(int fd) {
    return &streams[static_cast<unsigned>(fd) % 2];
}

static struct stream_model *stream_of(int fd) {
    must(place_of(fd)->fd == fd);
    return place_of(fd);
}

struct stream_model *open_stream(int fd, struct fuzz_input *input, size_t room,
                                 bool non_blocking) {
    struct stream_model *stream = place_of(fd);
    // The bytes may stay: to clear them takes longer than a run.
    memset(stream, 0, offsetof(struct stream_model, given));
    stream->fd = fd;
    stream->input = input;
    stream->room = room;
    stream->non_blocking = non_blocking;
    stream->queued = -1;
    return stream;
}

static struct decision decide(struct stream_model *stream) {
    must(stream->error == 0 && !stream->timed_out);
    uint8_t control = take_control(stream->input);
    struct decision decision = {
        static_cast<enum outcome>(control % outcomes),
        control / outcomes,
    };
    if (decision.outcome != is_interrupted) {
        stream->interruptions = 0;
        return decision;
    }
    if (++stream->interruptions > most_interruptions)
        return {moves_bytes, decision.number};
    errno = EINTR;
    return decision;
}

static int fail_with(struct stream_model *stream, int error) {
    if (error == EAGAIN)
        stream->would_wait = true; // stream_flags() decides what it means
    else
        stream->error = error;
    errno = error;
    return -1;
}

// Fills the SIZE bytes at GIVEN with repetitions of the N at PAYLOAD; newlines
// only in the last, because tens of thousands of lines make a slow run.
static void repeat(uint8_t *given, size_t size, const uint8_t *payload,
                   size_t n) {
    for (size_t i = 0; i < n; i++)
        given[i] = payload[i] == '\n' ? '.' : payload[i];
    for (size_t filled = n; filled < size;) {
        size_t more = smaller(filled, size - filled);
        memcpy(given + filled, given, more);
        filled += more;
    }
    memcpy(given + size - n, payload, n);
}

// Up to SIZE bytes of payload. A read of all repeats its payload until full.
static size_t give(struct stream_model *stream, unsigned number, size_t size) {
    const uint8_t *bytes = nullptr;
    uint8_t *given = stream->given + stream->given_size;
    size_t most = smaller(size, stream->room - stream->given_size);
    size_t wanted = number == all ? repeated : number + size_t{1};
    size_t n = take_payload(stream->input, smaller(most, wanted), &bytes);
    if (n == 0)
        return 0;
    size_t filled = number == all ? most : n;
    repeat(given, filled, bytes, n);
    return filled;
}

ssize_t stream_read(int fd, void *buffer, size_t size) {
    constexpr int errors[13] = {
        ECONNRESET,   EAGAIN,      ETIMEDOUT,   EIO,    EHOSTDOWN,
        EHOSTUNREACH, ENETDOWN,    ENETUNREACH, EACCES, ECONNREFUSED,
        ENONET,       ENOPROTOOPT, EPROTO};
    struct stream_model *stream = stream_of(fd);
    must(!stream->ended && !stream->would_wait && size > 0);
    stream->writing = false;
    struct decision decision = decide(stream);
    if (decision.outcome == fails)
        return fail_with(stream, errors[decision.number % 13]);
    if (decision.outcome == is_interrupted)
        return -1;
    size_t n = 0;
    if (decision.outcome == moves_bytes)
        n = give(stream, decision.number, size);
    memcpy(buffer, stream->given + stream->given_size, n);
    if (n < size) // lets a sanitizer check the buffer's size
        static_cast<uint8_t *>(buffer)[size - 1] = 0;
    stream->given_size += n;
    stream->ended = n == 0;
    return static_cast<ssize_t>(n);
}

ssize_t stream_write(int fd, const void *buffer, size_t size) {
    constexpr int errors[] = {EPIPE, ECONNRESET, EAGAIN, EIO};
    struct stream_model *stream = stream_of(fd);
    must(!stream->would_wait && size > 0);
    must(size <= most_taken - stream->taken_size);
    stream->writing = true;
    struct decision decision = decide(stream);
    if (decision.outcome == fails)
        return fail_with(stream, errors[decision.number % 4]);
    if (decision.outcome == is_interrupted)
        return -1;
    if (decision.outcome == moves_nothing) { // with no reason given
        stream->error = EIO;
        return 0;
    }
    size_t wanted = decision.number == all ? size : decision.number + size_t{1};
    size_t n = smaller(size, wanted);
    memcpy(stream->taken + stream->taken_size, buffer, n);
    stream->taken_size += n;
    stream->queued = -1;
    return static_cast<ssize_t>(n);
}

int stream_flags(int fd, int command, long) {
    struct stream_model *stream = stream_of(fd);
    must(command == F_GETFL && stream->would_wait);
    bool unknown = decide(stream).outcome == fails;
    if (unknown || !stream->non_blocking) {
        stream->would_wait = false; // indistinguishable from a time-out
        stream->timed_out = stream->writing;
        stream->error = stream->writing ? 0 : EAGAIN;
    }
    if (unknown) {
        errno = EBADF;
        return -1;
    }
    return stream->non_blocking ? O_RDWR | O_NONBLOCK : O_RDWR;
}

// A single number says nothing about the peer, so the write may be repeated.
int stream_queued(int fd, unsigned long request, int *queued) {
    struct stream_model *stream = stream_of(fd);
    must(request == TIOCOUTQ && stream->timed_out);
    stream->timed_out = false;
    struct decision decision = decide(stream);
    int number = static_cast<int>(decision.number);
    int before = stream->queued;
    stream->queued = number;
    if (decision.outcome == fails) { // not a socket
        stream->error = EAGAIN;
        errno = ENOTTY;
        return -1;
    }
    if (before != -1 && number >= before)
        stream->error = EAGAIN;
    *queued = number;
    errno = 0; // a successful call may change errno
    return 0;
}

static int stream_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    struct stream_model *stream = stream_of(fds->fd);
    short events = stream->writing ? POLLOUT : POLLIN;
    must(stream->would_wait && count == 1 && milliseconds == -1);
    must(fds->events == events);
    struct decision decision = decide(stream);
    if (decision.outcome == fails)
        return fail_with(stream, ENOMEM);
    stream->would_wait = false;
    if (decision.outcome == is_interrupted)
        return -1;
    fds->revents = events;
    return 1;
}

const struct modelled_calls stream_calls = {
    .fcntl = stream_flags,
    .ioctl = stream_queued,
    .poll = stream_poll,
    .read = stream_read,
    .write = stream_write,
};

void check_echo(const struct stream_model *stream) {
    must(stream->taken_size <= stream->given_size);
    must(memcmp(stream->taken, stream->given, stream->taken_size) == 0);
}
