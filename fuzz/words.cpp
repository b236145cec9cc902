// SPDX-License-Identifier: MIT
// words - numbers, wait statuses and addresses. Oracles: naive second
// implementations for numbers and statuses, getaddrinfo(3) and getnameinfo(3)
// for addresses. Besides, a failure leaves the result unchanged. A sanitizer
// sees a text that does not fit into its buffer.
#include <arpa/inet.h>
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

// The kernel's encoding: the low seven bits are the signal, or 127 for a child
// that has only stopped or continued, whose text must only fit; the eighth is
// set by a core dump.
static void check_status(struct fuzz_input *input) {
    unsigned status = 0;
    for (int i = 0; i < 4; i++)
        status = status << 8 | take_control(input);
    unsigned signo = status % 128;
    char text[status_text_size], expected[status_text_size];
    if (signo == 0)
        (void)snprintf(expected, sizeof expected, "exited %u",
                       status / 256 % 256);
    else
        (void)snprintf(expected, sizeof expected, "killed by signal %u", signo);
    describe_status(static_cast<int>(status), text);
    must(signo == 127 || strcmp(text, expected) == 0);
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

// As parse_address() on the modelled host, but returns 0 or the errno. Reads
// the part after '%' itself, because getaddrinfo(3) would ask the system.
static int expect_address(const char *text, int family, in_port_t port,
                          union address *address) {
    const char *percent = strchr(text, '%');
    char *host = strndup(text, strcspn(text, "%"));
    struct addrinfo hints = {};
    struct addrinfo *found = nullptr;
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    int result = strcmp(host, "*") == 0 // in glibc the same as no name
                     ? EAI_NONAME
                     : getaddrinfo(host, nullptr, &hints, &found);
    free(host);
    if (result != 0)
        return EINVAL;
    union address read = {};
    memcpy(&read, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    read.ipv6.sin6_port = htons(port); // at the same place in IPv4
    // getaddrinfo(3) also takes IPv4 in shorter and in non-decimal forms
    // (inet_aton(3)).
    char plain[INET_ADDRSTRLEN];
    if (read.any.sa_family == AF_INET &&
        strcmp(text, inet_ntop(AF_INET, &read.ipv4.sin_addr, plain,
                               sizeof plain)) != 0)
        return EINVAL;
    if (percent != nullptr) {
        long scope = 0;
        if (naive_number(percent + 1, 1, INT32_MAX, &scope) != 0)
            scope = modelled_if_nametoindex(percent + 1);
        if (scope == 0)
            return ENODEV;
        read.ipv6.sin6_scope_id = static_cast<uint32_t>(scope);
    }
    *address = read;
    return 0;
}

static void check_format(const union address *address) {
    char text[address_text_size], expected[address_text_size];
    memset(text, '.', sizeof text); // without a null byte
    format_address(address, text);
    expect_text(*address, expected);
    must(strncmp(text, expected, sizeof text) == 0);
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
        check_format(&address);
    free(text);
}

// Any address, even one that no text yields.
static void check_address_bytes(struct fuzz_input *input) {
    union address address = {};
    void *host = &address.ipv4.sin_addr;
    size_t size = sizeof address.ipv4.sin_addr;
    uint8_t control = take_control(input);
    uint32_t scope = 0;
    for (int i = 0; i < 4 && control % 4 == 3; i++)
        scope = scope << 8 | take_control(input);
    in_port_t port = take_port(input);
    address.any.sa_family = AF_INET;
    address.ipv4.sin_port = htons(port); // at the same place in IPv6
    if (control % 2 == 1) {
        host = &address.ipv6.sin6_addr;
        size = sizeof address.ipv6.sin6_addr;
        address.any.sa_family = AF_INET6;
        address.ipv6.sin6_scope_id = scope;
    }
    const uint8_t *bytes = nullptr;
    size_t n = take_payload(input, size, &bytes);
    if (n > 0) // memcpy(3) takes no null pointer
        memcpy(host, bytes, n);
    check_format(&address);
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
