// SPDX-License-Identifier: MIT
// lines - the client's view of lines, however reads split them: the line that
// quits, and the prefix of each reply.
#pragma once

#include <stddef.h>
#include <sys/types.h>

constexpr size_t piece_size = 64 * 1024;

// Reads a descriptor up to a line that is exactly q or Q, or end of file.
// Begins as {.fd = FD}. ENDED may be read; the rest is read_piece()'s.
struct quit_reader {
    int fd;
    bool mid_line; // the next byte continues a line
    char held;     // a final q or Q, which may turn out to be that line
    bool ended;    // by either; further calls return 0 and read nothing
    char buffer[1 + piece_size];
};

// Waits for input and points *PIECE at it, valid until the next call. Returns
// its size; 0 if the input has ended or quit; or -1 with read_some()'s errno.
// Joined, the pieces are the input before the quitting line, which may lack its
// newline at end of file. That line and what was read after it are dropped.
ssize_t read_piece(struct quit_reader *reader, const char **piece);

// The state of print_lines() between calls.
struct line_printer {
    bool mid_line;
};

// Writes SIZE bytes to FD, with PREFIX once before each line, even if calls
// split the line. Returns 0, or -1 with write_all()'s errno. Not reentrant: its
// buffer is static.
int print_lines(struct line_printer *printer, int fd, const char *prefix,
                const char *bytes, size_t size);
