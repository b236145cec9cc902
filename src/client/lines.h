// SPDX-License-Identifier: MIT
// lines - what the client makes of lines, in both directions, in whatever
// pieces their bytes come: the line that says quit, and the prefix of a reply.
#pragma once

#include <stddef.h>
#include <sys/types.h>

constexpr size_t piece_size = 64 * 1024;

// A descriptor read up to a line that is exactly q or Q, or end of file.
// {.fd = FD} is a new one. ENDED may be looked at; the rest is read_piece()'s.
struct quit_reader {
    int fd;
    bool mid_line; // the next byte belongs to a line already begun
    char held;     // a q read last, which may yet turn out to be that line
    bool ended;    // by either: all further calls return 0, and read nothing
    char buffer[1 + piece_size];
};

// Waits for bytes and points *PIECE at them, in READER's buffer, good until
// the next call. Returns how many, 0 once the input has ended or said quit, or
// -1 with the errno of read_some(). The pieces joined are the input up to the
// quitting line, which may lack its newline at end of file; that line and what
// was read after it are dropped. READER's descriptor stays the caller's.
ssize_t read_piece(struct quit_reader *reader, const char **piece);

// Where a stream of lines stands between two calls of print_lines().
struct line_printer {
    bool mid_line;
};

// Writes SIZE bytes to FD with PREFIX in front of each line, once a line,
// however the line is cut into calls. Returns 0, or -1 with write_all()'s
// errno. Not reentrant: its buffer is static. FD stays the caller's.
int print_lines(struct line_printer *printer, int fd, const char *prefix,
                const char *bytes, size_t size);
