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
    const char *failed; // what has happened or could not be done; null: nothing
    int error;          // its errno, 0 if it has none
    uint64_t sent;      // bytes of the input that were read to be sent
    uint64_t received;  // bytes that came back
};

// Sends the input over the socket until its end or, unless RAW, a line that is
// exactly q or Q (lines.h), then half-closes (shutdown(2)); writes what comes
// back to the output, unless RAW with `Message from server: ` in front of each
// line, until the server closes. Gives up when for TIMEOUT nothing has come
// back although the server owes something: bytes, or after the half-close its
// end of file. Ends and reaps the writer before it returns; the writer ends as
// well when this process is killed.
//
// Returns 0 when the whole input was sent and as many bytes have come back; or
// -1, and *REPORT says why not. The caller has called catch_signals() and
// ignores SIGPIPE.
int talk(const struct talk_settings *settings, struct talk_report *report);
