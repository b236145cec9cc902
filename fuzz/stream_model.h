// SPDX-License-Identifier: MIT
// stream_model - modelled descriptors to read from and write to. The input
// decides whether a call moves all or some bytes, is interrupted, or fails for
// good. Its own oracles: no call after a failure, no read after end of file, no
// empty write. After EAGAIN, a non-blocking descriptor is polled, and a
// blocking one is written to again only while its queue shrinks between
// time-outs.
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "input.h"
#include "kernel/calls.h"

constexpr size_t most_given = 256 * 1024;
constexpr size_t most_taken = 2048 * 1024;

struct stream_model {
    int fd;                   // not open in this process
    struct fuzz_input *input; // gives the payload and the decisions
    size_t room;              // bytes that can be read before end of file
    bool non_blocking;
    bool would_wait;   // the last call failed with EAGAIN; poll(2) must follow
    bool writing;      // the last call was a write
    bool timed_out;    // it timed out: only stream_queued() may follow
    int queued;        // at the last time-out; -1: none since bytes were taken
    int interruptions; // in a row
    int error;         // the final failure, or 0
    bool ended;        // a read has returned 0
    size_t given_size, taken_size;
    uint8_t given[most_given]; // by reads
    uint8_t taken[most_taken]; // by writes
};

// Makes descriptor FD a new stream decided by INPUT, which stays the caller's
// and must outlive it. ROOM is at most most_given. There are at most two, with
// descriptors in a row.
struct stream_model *open_stream(int fd, struct fuzz_input *input, size_t room,
                                 bool non_blocking);

// read(2), write(2), poll(2), fcntl(2) F_GETFL and ioctl(2) SIOCOUTQ on a
// stream, including errno. A read of all repeats its payload until full; only
// the last repetition contains newlines.
ssize_t stream_read(int fd, void *buffer, size_t size);
ssize_t stream_write(int fd, const void *buffer, size_t size);
int stream_flags(int fd, int command, long);
int stream_queued(int fd, unsigned long request, int *queued);

// These calls, for answer_by().
extern const struct modelled_calls stream_calls;

// An oracle: what was written to STREAM is a prefix of what was read from it.
void check_echo(const struct stream_model *stream);
