// SPDX-License-Identifier: MIT
// words - numbers, wait statuses and addresses. Oracles: naive second
// implementations for numbers and statuses, getaddrinfo(3) and getnameinfo(3)
// for addresses. Besides, a failure leaves the result unchanged, a text fits
// into its buffer, and an address that was written reads back as the same.
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/arguments.h"
#include "common/number.h"
#include "common/sockets.h"
#include "common/status.h"
#include "input.h"
#include "kernel/calls.h"

// The payload up to its first null byte, repeated as a control byte says. In a
// heap block of its exact size, which shows reads past its end; the caller's to
// free.
static char *take_text(struct fuzz_input *input) {
    constexpr size_t most_payload = 128;
    constexpr unsigned most_times = 8;
    static char text[most_times * most_payload + 1];
    const uint8_t *bytes = nullptr;
    unsigned times = 1 + take_control(input) % most_times;
    size_t n = take_payload(input, most_payload, &bytes);
    for (unsigned i = 0; i < times && n > 0; i++)
        memcpy(text + i * n, bytes, n);
    text[times * n] = '\0';
    char *copy = strdup(text);
    must(copy != nullptr);
    return copy;
}

// Room for a subject's text, past which nothing may be written.
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

// ---- numbers ----------------------------------------------------------------

// As parse_number(), but returns 0 or the errno that it must set.
static int naive_number(const char *text, long low, long high, long *value) {
    if (text == nullptr || *text == '\0' || text[strspn(text, "0123456789")])
        return EINVAL;
    // ULONG_MAX, if the number is too large.
    unsigned long number = strtoul(text, nullptr, 10);
    if (number < static_cast<unsigned long>(low) ||
        number > static_cast<unsigned long>(high))
        return ERANGE;
    *value = static_cast<long>(number);
    return 0;
}

static void check_number(struct fuzz_input *input) {
    static const struct {
        long low, high;
    } ranges[] = {
        {0, 65535},    {1, 65535}, {1, most_seconds}, {0, 0}, {1, INT32_MAX},
        {0, LONG_MAX}, {0, 7},     {65536, 65536},
    };
    uint8_t control = take_control(input);
    bool absent = control / 8 % 2 == 1;
    char *text = absent ? nullptr : take_text(input);
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

// ---- wait statuses ----------------------------------------------------------

// As describe_status(), but "" for a child that has not terminated. The
// kernel's encoding: the low seven bits are the signal, or 127 for a stopped or
// continued child; the eighth is set by a core dump.
static void naive_status(unsigned status, char text[status_text_size]) {
    unsigned signo = status % 128;
    text[0] = '\0';
    if (signo == 0)
        (void)snprintf(text, status_text_size, "exited %u", status / 256 % 256);
    else if (signo != 127)
        (void)snprintf(text, status_text_size, "killed by signal %u", signo);
}

static void check_status(struct fuzz_input *input) {
    unsigned status = 0;
    for (int i = 0; i < 4; i++)
        status = status << 8 | take_control(input);
    struct guarded_text<status_text_size> room;
    char expected[status_text_size];
    prepare(&room);
    describe_status(static_cast<int>(status), room.text);
    naive_status(status, expected);
    // For a child that has not terminated, the text must only fit.
    check_text(&room, expected[0] == '\0' ? room.text : expected);
}

// ---- addresses --------------------------------------------------------------

static unsigned modelled_if_nametoindex(const char *name) {
    if (strcmp(name, "lo") == 0)
        return 1;
    if (strcmp(name, "eth0") == 0)
        return 2;
    errno = ENXIO;
    return 0;
}

static in_port_t take_port(struct fuzz_input *input) {
    unsigned high = take_control(input);
    return static_cast<in_port_t>(high * 256 + take_control(input));
}

// ADDRESS as getnameinfo(3) writes it, but with a numeric scope, and a mapped
// one as IPv4.
static void expect_text(union address address, char text[address_text_size]) {
    constexpr const char *mapped = "::ffff:";
    char host[INET6_ADDRSTRLEN];
    char port[sizeof "65535"];
    char scope[sizeof "%4294967295"] = "";
    if (address.any.sa_family == AF_INET6 && address.ipv6.sin6_scope_id > 0) {
        (void)snprintf(scope, sizeof scope, "%%%u", address.ipv6.sin6_scope_id);
        address.ipv6.sin6_scope_id = 0; // its name would be looked up
    }
    must(getnameinfo(&address.any, sizeof address, host, sizeof host, port,
                     sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0);
    const char *shown = host;
    if (strncmp(host, mapped, strlen(mapped)) == 0 && strchr(host, '.'))
        shown = host + strlen(mapped);
    if (strchr(shown, ':') == nullptr)
        (void)snprintf(text, address_text_size, "%s:%s", shown, port);
    else
        (void)snprintf(text, address_text_size, "[%s%s]:%s", host, scope, port);
}

// Whether TEXT is the only form of the address. getaddrinfo(3) also takes IPv4
// in shorter and in non-decimal forms (inet_aton(3)).
static bool is_plain(const char *text, const union address *address) {
    char written[address_text_size];
    expect_text(*address, written);
    size_t n = strlen(text);
    return strncmp(written, text, n) == 0 && written[n] == ':';
}

// As parse_address() on the modelled host, but returns 0 or the errno. Reads
// the part after '%' itself, because getaddrinfo(3) would ask the system.
static int expect_address(const char *text, int family, unsigned port,
                          union address *address) {
    const char *percent = strchr(text, '%');
    char *host = strndup(text, strcspn(text, "%"));
    char service[8];
    struct addrinfo hints = {};
    struct addrinfo *found = nullptr;
    union address read = {};
    long scope = 0;
    (void)snprintf(service, sizeof service, "%u", port);
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    int result = strcmp(host, "*") == 0 // in glibc the same as no name
                     ? EAI_NONAME
                     : getaddrinfo(host, service, &hints, &found);
    free(host);
    if (result != 0)
        return EINVAL;
    memcpy(&read, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (read.any.sa_family == AF_INET && !is_plain(text, &read))
        return EINVAL;
    if (percent != nullptr) {
        if (naive_number(percent + 1, 1, INT32_MAX, &scope) != 0)
            scope = modelled_if_nametoindex(percent + 1);
        if (scope == 0)
            return ENODEV;
        read.ipv6.sin6_scope_id = static_cast<uint32_t>(scope);
    }
    *address = read;
    return 0;
}

// The text is read back, and gives the same text again.
static void check_format(union address address, in_port_t port) {
    struct guarded_text<address_text_size> room;
    char expected[address_text_size], again[address_text_size];
    prepare(&room);
    format_address(&address, room.text);
    expect_text(address, expected);
    check_text(&room, expected);
    if (address.any.sa_family == AF_INET6 &&
        address.ipv6.sin6_scope_id > INT32_MAX) // not an interface's
        return;
    bool in_brackets = room.text[0] == '[';
    *strrchr(room.text, in_brackets ? ']' : ':') = '\0';
    char *host = room.text + in_brackets;
    must(parse_address(host, AF_UNSPEC, port, &address) == 0);
    format_address(&address, again);
    must(strcmp(again, expected) == 0);
}

static void check_address_text(struct fuzz_input *input) {
    static const struct modelled_calls calls = {
        .if_nametoindex = modelled_if_nametoindex,
    };
    constexpr int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    int family = families[take_control(input) % 3];
    in_port_t port = take_port(input);
    char *text = take_text(input);
    union address address, expected;
    memset(&address, 'U', sizeof address);
    memset(&expected, 'U', sizeof expected);
    int error = expect_address(text, family, port, &expected);
    answer_by(&calls);
    errno = 0;
    int result = parse_address(text, family, port, &address);
    answer_by(nullptr);
    must(result == (error == 0 ? 0 : -1));
    must(result == 0 || errno == error);
    must(memcmp(&address, &expected, sizeof address) == 0);
    if (error == 0)
        check_format(address, port);
    free(text);
}

template <typename Bytes>
static void take_bytes(struct fuzz_input *input, Bytes *to) {
    const uint8_t *bytes = nullptr;
    size_t n = take_payload(input, sizeof *to, &bytes);
    if (n > 0)
        memcpy(to, bytes, n);
}

// Any address, even one that no text yields.
static void check_address_bytes(struct fuzz_input *input) {
    union address address = {};
    uint8_t control = take_control(input);
    uint32_t scope = 0;
    for (int i = 0; i < 4 && control % 4 == 3; i++)
        scope = scope << 8 | take_control(input);
    in_port_t port = take_port(input);
    if (control % 2 == 0) {
        address.any.sa_family = AF_INET;
        address.ipv4.sin_port = htons(port);
        take_bytes(input, &address.ipv4.sin_addr);
    } else {
        address.any.sa_family = AF_INET6;
        address.ipv6.sin6_port = htons(port);
        address.ipv6.sin6_scope_id = scope;
        take_bytes(input, &address.ipv6.sin6_addr);
    }
    check_format(address, port);
}

// Here and elsewhere, a choice is a control byte modulo a divisor of 48, so
// that '0' selects the first one, and a seed can be plain text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    constexpr void (*subjects[])(struct fuzz_input *) = {
        check_number,
        check_status,
        check_address_text,
        check_address_bytes,
    };
    struct fuzz_input input = {data, size};
    subjects[take_control(&input) % 4](&input);
    return 0;
}
