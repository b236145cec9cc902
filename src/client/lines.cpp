// SPDX-License-Identifier: MIT
#include <string.h>

#include "client/lines.h"
#include "common/stream.h"

static bool is_quit(char c) {
    return c == 'q' || c == 'Q';
}

// What follows the line that LINE points into; END if it lacks a newline.
static const char *next_line(const char *line, const char *end) {
    const void *newline = memchr(line, '\n', static_cast<size_t>(end - line));
    return newline == nullptr ? end : static_cast<const char *>(newline) + 1;
}

// How many of the SIZE bytes at START may be sent: those before a line that
// quits, or before a last byte that may begin one.
static size_t scan_for_quit(struct quit_reader *reader, const char *start,
                            size_t size) {
    const char *end = start + size;
    const char *line = start;
    if (reader->mid_line)
        line = next_line(line, end);
    while (line != end) {
        if (is_quit(*line) && line + 1 == end) {
            reader->held = *line;
            break;
        }
        if (is_quit(*line) && line[1] == '\n') {
            reader->ended = true;
            break;
        }
        line = next_line(line, end);
    }
    size_t sendable = static_cast<size_t>(line - start);
    if (sendable > 0)
        reader->mid_line = start[sendable - 1] != '\n';
    return sendable;
}

ssize_t read_piece(struct quit_reader *reader, const char **piece) {
    size_t sendable = 0;
    while (sendable == 0) {
        if (reader->ended)
            return 0;
        size_t held = reader->held != '\0';
        ssize_t n = read_some(reader->fd, reader->buffer + held, piece_size);
        reader->ended = n == 0; // for good, although a terminal could go on
        if (n <= 0)
            return n;
        if (held == 1)
            reader->buffer[0] = reader->held;
        reader->held = '\0';
        sendable = scan_for_quit(reader, reader->buffer,
                                 static_cast<size_t>(n) + held);
    }
    *piece = reader->buffer;
    return static_cast<ssize_t>(sendable);
}

// Collects bytes for one write(2): a system call per line would be too slow.
struct gatherer {
    int fd;
    size_t size;
    char bytes[piece_size];
};

static int flush(struct gatherer *g) {
    size_t size = g->size;
    g->size = 0;
    return write_all(g->fd, g->bytes, size);
}

static int gather(struct gatherer *g, const char *bytes, size_t size) {
    if (size > sizeof g->bytes - g->size && flush(g) == -1)
        return -1;
    if (size > sizeof g->bytes)
        return write_all(g->fd, bytes, size);
    memcpy(g->bytes + g->size, bytes, size);
    g->size += size;
    return 0;
}

int print_lines(struct line_printer *printer, int fd, const char *prefix,
                const char *bytes, size_t size) {
    static struct gatherer g;
    g.fd = fd;
    g.size = 0;
    const char *end = bytes + size;
    for (const char *line = bytes; line != end;) {
        const char *next = next_line(line, end);
        if (!printer->mid_line && gather(&g, prefix, strlen(prefix)) == -1)
            return -1;
        if (gather(&g, line, static_cast<size_t>(next - line)) == -1)
            return -1;
        printer->mid_line = next[-1] != '\n';
        line = next;
    }
    return flush(&g);
}
