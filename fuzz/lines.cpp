// SPDX-License-Identifier: MIT
// lines - the client's line reader and line printer. The input decides how
// reads and writes go, and how the bytes are split between calls of the
// printer. Oracles besides the model's: a naive second implementation of both
// contracts; errno is the failed call's; the reader holds back nothing but a q,
// reads nothing after its end, and stays within its buffer.
#include <errno.h>
#include <string.h>

#include "client/lines.h"
#include "input.h"
#include "kernel/calls.h"
#include "stream_model.h"

constexpr size_t small_room = 32;
constexpr size_t large_room = 2 * piece_size + 16; // more than two full reads

constexpr int keyboard = 1000;
constexpr int screen = 1001;

static const struct stream_model *typed; // on the keyboard
static const struct stream_model *shown; // on the screen
static struct quit_reader reader; // static, like the client's: it is large
static size_t sent;               // by the reader so far
static bool over;                 // the reader has ended: it must not read

static bool is_q(uint8_t byte) {
    return byte == 'q' || byte == 'Q';
}

// The size of the first line in SIZE bytes, with its newline.
static size_t line_size(const uint8_t *bytes, size_t size) {
    const void *newline = memchr(bytes, '\n', size);
    if (newline == nullptr)
        return size;
    return static_cast<size_t>(static_cast<const uint8_t *>(newline) - bytes) +
           1;
}

// ---- the reader -------------------------------------------------------------

static size_t held_back(void) {
    return typed->given_size - sent;
}

static ssize_t modelled_read(int fd, void *buffer, size_t size) {
    must(fd == keyboard && !over);
    must(held_back() == 0 || (held_back() == 1 && is_q(typed->given[sent])));
    char *bytes = static_cast<char *>(buffer);
    const char *end = reader.buffer + sizeof reader.buffer;
    must(bytes >= reader.buffer && size <= static_cast<size_t>(end - bytes));
    ssize_t n = stream_read(fd, buffer, size);
    // A reader that looks past the end sees a newline, which makes a q quit.
    if (n > 0 && static_cast<size_t>(n) < size)
        bytes[n] = '\n';
    return n;
}

// How many of SIZE bytes precede the first line that is just a q. The last line
// may lack its newline.
static size_t before_quit(const uint8_t *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t line = line_size(bytes + at, size - at);
        bool whole = bytes[at + line - 1] == '\n';
        if (is_q(bytes[at]) && line == (whole ? 2 : 1))
            return at;
        at += line;
    }
    return size;
}

static void check_end(ssize_t result, int error) {
    must(sent == before_quit(typed->given, typed->given_size));
    if (result == 0) {
        // A final q may still begin another line, unless the input has ended.
        must(typed->ended || held_back() >= 2);
        must(reader.ended);
        const char *piece = nullptr;
        over = true;
        must(read_piece(&reader, &piece) == 0);
    } else {
        must(result == -1 && typed->error != 0 && error == typed->error);
        must(!reader.ended);
    }
}

static void read_all(void) {
    // Not the buffer: to clear it takes longer than a short run.
    memset(&reader, 0, offsetof(struct quit_reader, buffer));
    reader.fd = keyboard;
    sent = 0;
    over = false;
    ssize_t n = 0;
    const char *piece = nullptr;
    while ((n = read_piece(&reader, &piece)) > 0) {
        size_t size = static_cast<size_t>(n);
        must(size <= held_back());
        must(memcmp(piece, typed->given + sent, size) == 0);
        sent += size;
    }
    check_end(n, errno);
}

// ---- the printer ------------------------------------------------------------

// The next SIZE bytes, from *AT, of what must be shown, if shown at all.
static void check_part(size_t *at, const void *bytes, size_t size) {
    size_t seen = *at < shown->taken_size ? shown->taken_size - *at : 0;
    must(memcmp(shown->taken + *at, bytes, smaller(size, seen)) == 0);
    *at += size;
}

// What is shown is a prefix of what was typed, with PREFIX before each line. If
// COMPLETE, it is everything.
static void check_shown(const char *prefix, bool complete) {
    size_t right = 0;
    for (size_t at = 0; at < typed->given_size;) {
        const uint8_t *line = typed->given + at;
        size_t size = line_size(line, typed->given_size - at);
        check_part(&right, prefix, strlen(prefix));
        check_part(&right, line, size);
        at += size;
    }
    must(complete ? right == shown->taken_size : right >= shown->taken_size);
}

// The size of the printer's next call. An exhausted input gives 0: all.
static size_t next_cut(struct fuzz_input *input, size_t unit, size_t left) {
    uint8_t control = take_control(input);
    return control == 0 ? left : smaller(left, unit * (control - 1U));
}

static void print_all(struct fuzz_input *input, const char *prefix,
                      size_t unit) {
    const char *bytes = reinterpret_cast<const char *>(typed->given);
    struct line_printer printer = {};
    size_t at = 0;
    int result = 0;
    while (result == 0 && at < typed->given_size) {
        size_t size = next_cut(input, unit, typed->given_size - at);
        result = print_lines(&printer, screen, prefix, bytes + at, size);
        at += size;
    }
    must(result == 0
             ? shown->error == 0
             : result == -1 && shown->error != 0 && errno == shown->error);
    check_shown(prefix, result == 0);
}

// ---- both -------------------------------------------------------------------

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct modelled_calls calls = stream_calls;
    calls.read = modelled_read;
    struct fuzz_input input = {data, size};
    uint8_t control = take_control(&input);
    bool large = control == UINT8_MAX; // rare: takes ten times as long
    if (large)
        control = take_control(&input);
    bool non_blocking = control % 2 == 1;
    const char *prefix = control / 2 % 2 == 0 ? "> " : "reply: ";
    typed = open_stream(keyboard, &input, large ? large_room : small_room,
                        non_blocking);
    shown = open_stream(screen, &input, 0, non_blocking);
    answer_by(&calls);
    read_all();
    print_all(&input, prefix, large ? 1024 : 1);
    answer_by(nullptr);
    return 0;
}
