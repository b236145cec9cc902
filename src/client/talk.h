// SPDX-License-Identifier: MIT
// talk - a connection with input split from output: a child, the writer, sends
// what it reads from the input; this process receives. Neither waits for the
// other, so that no amount of data in flight can make both block.
#pragma once

#include <stdint.h>

struct talk_settings {
    int socket, input, output; // stay the caller's
    bool raw;
    int timeout; // seconds; 0 is none
};

struct talk_report {
    const char *failed; // what could not be done; null if nothing
    int error;          // its errno
    int killed_by;      // the signal that ended the writer from outside, or 0
    bool server_first;  // the server ended while the writer was at work
    bool input_left;    // and input was there that nobody has read
    bool altered;       // the bytes received differ from those sent
    uint64_t sent;      // bytes of the input that were read to be sent
    uint64_t received;  // bytes that came back
};

// From now on SIGINT, SIGTERM and SIGHUP, unless ignored, first end and reap
// the writer, then this process by the same signal. Process 1 of a PID
// namespace, which that does not kill (pid_namespaces(7)), exits with status
// 128 + the signal's number instead. To be called before talk(), and before
// anything that may block. Leaves SIGCHLD caught and blocked. Returns 0, or -1
// with sigaction(2)'s errno.
int catch_signals(void);

// Sends the input over the socket until its end or, unless RAW, a line that is
// exactly q or Q (lines.h), then half-closes (shutdown(2)); writes what comes
// back to the output, unless RAW with `Message from server: ` in front of each
// line, until the server closes. Gives up when for TIMEOUT nothing has come
// back although the server owes something: bytes, or after the half-close its
// end of file. Ends and reaps the writer before it returns; the writer ends as
// well when this process is killed.
//
// Returns 0 when every byte of the input has come back; or -1, and *REPORT
// says why not. The caller ignores SIGPIPE.
int talk(const struct talk_settings *settings, struct talk_report *report);
