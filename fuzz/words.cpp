// SPDX-License-Identifier: MIT
// words - numbers, wait statuses, addresses and command lines. Oracle: a
// second, naive implementation of each. Beside it: what fails leaves its result
// as it was, texts fit where they are written, and an address that was written
// is read back as the same.
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/number.h"
#include "common/reap.h"
#include "common/sockets.h"
#include "input.h"
#include "kernel/calls.h"
#include "models/command_lines.h"
#include "models/naive.h"
#include "models/process_model.h"
#include "models/texts.h"

// Room for a subject's text, behind which nothing may be written.
template <size_t size>
struct guarded_text {
    char text[size];
    char guard[16];
};

template <size_t size>
static void prepare(struct guarded_text<size> *room) {
    memset(room, 'G', sizeof *room);
}

template <size_t size>
static void check_text(const struct guarded_text<size> *room,
                       const char *expected) {
    for (char c : room->guard)
        must(c == 'G');
    must(memchr(room->text, '\0', size) != nullptr);
    must(strcmp(room->text, expected) == 0);
}

// ---- numbers and wait statuses ----------------------------------------------

static void check_number(struct fuzz_input *input) {
    static const struct {
        long low, high;
    } ranges[] = {
        {0, 65535},    {1, 65535}, {1, most_seconds}, {0, 0}, {1, INT32_MAX},
        {0, LONG_MAX}, {0, 7},     {65536, 65536},
    };
    uint8_t control = take_control(input);
    bool absent = control / 8 % 2 == 1;
    char *text = absent ? nullptr : exact_copy(payload_text(input));
    long low = ranges[control % 8].low;
    long high = ranges[control % 8].high;
    long value = -1;
    long expected_value = -1;
    int expected = naive_number(text, low, high, &expected_value);
    errno = 0;
    int result = parse_number(text, low, high, &value);
    must(result == (expected == 0 ? 0 : -1));
    must(result == 0 || errno == expected);
    must(value == expected_value);
    free(text);
}

static void end_for_child(void *status) {
    die_of_child(1, *static_cast<const int *>(status));
}

// The last words of a demonstration whose child has ended as TEXT says.
static void check_last_words(int status, const char *text) {
    static struct process_model process;
    char expected[256];
    process.output.closed = false;
    process.errors.closed = false;
    run_process(&process, end_for_child, &status);
    (void)snprintf(expected, sizeof expected, "%s: child 1: %s\n",
                   program_invocation_short_name, text);
    must(process.status == exit_failed && process.output.size == 0);
    must(strcmp(process.errors.text, expected) == 0);
}

static void check_status(struct fuzz_input *input) {
    unsigned status = 0;
    for (int i = 0; i < 4; i++)
        status = status << 8 | take_control(input);
    struct guarded_text<status_text_size> room;
    char expected[status_text_size] = {};
    prepare(&room);
    describe_status(static_cast<int>(status), room.text);
    naive_status(static_cast<int>(status), expected, sizeof expected);
    // Of a child that has not ended the contract only says that it fits.
    check_text(&room, expected[0] == '\0' ? room.text : expected);
    if (expected[0] != '\0')
        check_last_words(static_cast<int>(status), expected);
}

// ---- addresses --------------------------------------------------------------

static unsigned modelled_if_nametoindex(const char *name) {
    unsigned index = naive_interface(name);
    if (index == 0)
        errno = ENXIO;
    return index;
}

static unsigned take_port(struct fuzz_input *input) {
    unsigned high = take_control(input);
    return high * 256 + take_control(input);
}

static void make_address(const struct naive_address *from, unsigned port,
                         struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (from->family == AF_INET) {
        struct sockaddr_in *ipv4 = reinterpret_cast<struct sockaddr_in *>(to);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(static_cast<in_port_t>(port));
        memcpy(&ipv4->sin_addr, from->bytes, sizeof ipv4->sin_addr);
        return;
    }
    struct sockaddr_in6 *ipv6 = reinterpret_cast<struct sockaddr_in6 *>(to);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(static_cast<in_port_t>(port));
    ipv6->sin6_scope_id = from->scope;
    memcpy(&ipv6->sin6_addr, from->bytes, sizeof ipv6->sin6_addr);
}

// EXPECTED is what naive_parse() makes of TEXT, and ERROR what it returns.
static void check_parse(const char *text, int family, unsigned port,
                        const struct naive_address *expected, int error) {
    struct sockaddr_storage address, wanted;
    memset(&address, 'U', sizeof address);
    memset(&wanted, 'U', sizeof wanted);
    if (error == 0)
        make_address(expected, port, &wanted);
    static const struct modelled_calls calls = {
        .if_nametoindex = modelled_if_nametoindex,
    };
    answer_by(&calls);
    errno = 0;
    int result =
        parse_address(text, family, static_cast<in_port_t>(port), &address);
    answer_by(nullptr);
    must(result == (error == 0 ? 0 : -1));
    must(result == 0 || errno == error);
    must(memcmp(&address, &wanted, sizeof address) == 0);
}

// The host in TEXT, "host:port" or "[host]:port", alone. Takes TEXT apart.
static char *host_of(char *text) {
    char *end = strrchr(text, text[0] == '[' ? ']' : ':');
    must(end != nullptr);
    *end = '\0';
    return text[0] == '[' ? text + 1 : text;
}

static void check_format(const struct naive_address *given, unsigned port) {
    struct sockaddr_storage address;
    struct guarded_text<address_text_size> room;
    char expected[address_text_size] = {};
    prepare(&room);
    make_address(given, port, &address);
    format_address(&address, room.text);
    naive_format(given, port, expected, sizeof expected);
    check_text(&room, expected);
    struct naive_address shown = *given;
    if (given->family == AF_INET6 && room.text[0] != '[') {
        shown = {AF_INET, {}, 0};
        memcpy(shown.bytes, given->bytes + 12, 4);
    }
    if (given->scope <= INT32_MAX) // beyond, no interface has it
        check_parse(host_of(room.text), AF_UNSPEC, port, &shown, 0);
}

static void check_address_text(struct fuzz_input *input) {
    constexpr int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    int family = families[take_control(input) % 3];
    unsigned port = take_port(input);
    char *text = exact_copy(payload_text(input));
    struct naive_address address = {};
    int error = naive_parse(text, family, &address);
    check_parse(text, family, port, &address, error);
    if (error == 0)
        check_format(&address, port);
    free(text);
}

// Any address, also one that no text can be read as.
static void check_address_bytes(struct fuzz_input *input) {
    struct naive_address address = {AF_INET, {}, 0};
    const uint8_t *bytes = nullptr;
    uint8_t control = take_control(input);
    if (control % 2 == 1)
        address.family = AF_INET6;
    for (int i = 0; i < 4 && control % 4 == 3; i++)
        address.scope = address.scope << 8 | take_control(input);
    unsigned port = take_port(input);
    size_t n = take_payload(input, control % 2 == 1 ? 16 : 4, &bytes);
    if (n > 0)
        memcpy(address.bytes, bytes, n);
    check_format(&address, port);
}

// Here and elsewhere a choice is a control byte modulo a divisor of 48, so that
// '0' is the first one: a seed can be plain text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    constexpr void (*subjects[])(struct fuzz_input *) = {
        check_number,        check_status,    check_address_text,
        check_address_bytes, check_demo_line, check_server_line,
    };
    struct fuzz_input input = {data, size};
    subjects[take_control(&input) % 6](&input);
    return 0;
}
