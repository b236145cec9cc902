// SPDX-License-Identifier: MIT
// stream_model - a modelled descriptor to read from and write to: the input
// decides whether a call moves all or some bytes, is interrupted, or fails for
// good. Its own oracles: no call after a failure, no read after the end, no
// write of nothing; after EAGAIN a non-blocking descriptor is waited for, and a
// blocking one is written to again only as long as its queue becomes shorter
// between two time-outs.
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "input.h"

constexpr size_t most_given = 256 * 1024;
constexpr size_t most_taken = 2048 * 1024;

struct stream_model {
    struct fuzz_input *input; // whose payload is read, whose decisions rule
    size_t room;              // so much is read at most, then it ends
    bool non_blocking;
    bool would_wait;   // EAGAIN was its last word; only poll(2) ends it
    bool writing;      // the last call was a write
    bool timed_out;    // that write did: only stream_queued() may follow
    int queued;        // at its last time-out; -1: none since it took bytes
    int interruptions; // in a row
    int error;         // the failure for good, once it has come; else 0
    bool ended;        // a read has said so
    size_t given_size, taken_size;
    uint8_t given[most_given]; // by reads
    uint8_t taken[most_taken]; // by writes
};

// Makes *STREAM a new one that is decided by INPUT, which stays the caller's
// and must stay. ROOM is at most most_given.
void open_stream(struct stream_model *stream, struct fuzz_input *input,
                 size_t room, bool non_blocking);

// What read(2), write(2), poll(2), fcntl(2) F_GETFL and ioctl(2) SIOCOUTQ do on
// STREAM, errno included. A read of all that there is room for repeats its
// payload, of which only the last time is more than one line.
ssize_t stream_read(struct stream_model *stream, void *buffer, size_t size);
ssize_t stream_write(struct stream_model *stream, const void *buffer,
                     size_t size);
int stream_flags(struct stream_model *stream, int command);
int stream_queued(struct stream_model *stream, unsigned long request,
                  int *queued);
int stream_poll(struct stream_model *stream, struct pollfd *fds, nfds_t count,
                short events);

// An oracle: what was written to STREAM is a prefix of what was read from it.
void check_echo(const struct stream_model *stream);
