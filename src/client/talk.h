// SPDX-License-Identifier: MIT
// talk - a connection with input split from output. A child, the writer, sends
// what it reads from the input; this process receives. Neither waits for the
// other, so that no amount of data in flight makes both block.
#pragma once

#include <stdint.h>

struct talk_settings {
    int socket, input, output; // stay the caller's
    bool raw;
    int timeout; // in seconds; 0: none
};

struct talk_report {
    const char *failed; // what failed, or null
    int error;          // its errno, or 0
    uint64_t sent;      // bytes read from the input, to be sent
    uint64_t received;  // bytes that came back
};

// Sends the input until its end or, unless RAW, a line that is exactly q or Q
// (lines.h), and half-closes (shutdown(2)). Writes what comes back to the
// output, unless RAW with `Message from server: ` before each line, until the
// server closes. Fails if the server sends nothing for TIMEOUT while it owes
// something: bytes or, after the half-close, end of file. The writer is reaped
// on return, and is killed if this process is.
//
// Returns 0 if the whole input was sent and as many bytes came back, or -1 and
// the reason in *REPORT. The caller has called catch_signals() and ignores
// SIGPIPE.
int talk(const struct talk_settings *settings, struct talk_report *report);
