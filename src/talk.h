// SPDX-License-Identifier: MIT
// talk - a connection with input split from output: a child, the writer, sends
// what it reads from the input; this process receives. Neither waits for the
// other, so that no amount of data on its way can make both stand still.
#pragma once

#include <stdint.h>

// The bytes that went one way: how many, and a hash (FNV-1a) of them in order.
struct tally {
    uint64_t bytes;
    uint64_t hash;
};

struct talk_report {
    const char *failed; // what this process could not do; null if nothing
    int error;          // its errno
    const char *unsent; // what the writer could not do; null if nothing
    int unsent_error;   // its errno
    int killed_by;      // the signal that ended the writer from outside, or 0
    bool server_first;  // the server ended while the writer was at work
    bool input_left;    // and input was there that nobody has read
    struct tally sent, received;
};

// Sends INPUT over SOCKET until its end or, unless RAW, a line that is exactly
// q or Q (lines.h), then half-closes (shutdown(2)); writes what comes back to
// OUTPUT, unless RAW with `Message from server: ` in front of each line, until
// the server closes. Ends and reaps the writer before it returns, and when
// SIGINT, SIGTERM or SIGHUP, unless ignored, ends this process, before that;
// the writer ends as well when this process is killed.
//
// Returns 0 when every byte of the input has come back; or -1, and *REPORT
// says why not. Changes signal dispositions; the caller ignores SIGPIPE. The
// descriptors stay the caller's.
int talk(int socket, int input, int output, bool raw,
         struct talk_report *report);
