// SPDX-License-Identifier: MIT
// naive - numbers, addresses and wait statuses, written a second time.
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/naive.h"

// ---- numbers ----------------------------------------------------------------

int naive_number(const char *text, long low, long high, long *value) {
    constexpr size_t most_digits = 19; // of the highest long
    constexpr const char *digits = "0123456789";
    if (text == nullptr || *text == '\0' || strspn(text, digits) < strlen(text))
        return EINVAL;
    text += strspn(text, "0");
    if (strlen(text) > most_digits)
        return ERANGE;
    uint64_t number = 0; // holds every number of so many digits
    for (; *text != '\0'; text++)
        number = number * 10 + static_cast<uint64_t>(*text - '0');
    if (number < static_cast<uint64_t>(low) ||
        number > static_cast<uint64_t>(high))
        return ERANGE;
    *value = static_cast<long>(number);
    return 0;
}

// ---- addresses --------------------------------------------------------------

constexpr int group_count = 8; // of an IPv6 address, 16 bits each

unsigned naive_interface(const char *name) {
    if (strcmp(name, "lo") == 0)
        return 1;
    return strcmp(name, "eth0") == 0 ? 2 : 0;
}

// Takes TEXT apart. A leading zero is refused, as glibc does: others read an
// octal number there (RFC 6943, 3.1.1).
static bool read_ipv4(char *text, uint8_t *bytes) {
    for (int i = 0; i < 4; i++) {
        long number = 0;
        const char *word = strsep(&text, ".");
        if (word == nullptr || strlen(word) > 3 ||
            (word[0] == '0' && word[1] != '\0') ||
            naive_number(word, 0, 255, &number) != 0)
            return false;
        bytes[i] = static_cast<uint8_t>(number);
    }
    return text == nullptr; // there was no fourth dot
}

static bool read_group(const char *word, unsigned *group) {
    size_t digits = strspn(word, "0123456789abcdefABCDEF");
    *group = static_cast<unsigned>(strtoul(word, nullptr, 16));
    return digits >= 1 && digits <= 4 && word[digits] == '\0';
}

// Takes TEXT apart, groups between colons; the last two may be an IPv4 address
// if IPV4_ENDS. Returns how many there are, none in an empty text; or -1.
static int read_groups(char *text, bool ipv4_ends, unsigned *groups) {
    int n = 0;
    if (*text == '\0')
        return 0;
    while (char *word = strsep(&text, ":")) {
        bool last = text == nullptr;
        uint8_t ipv4[4] = {};
        if (last && ipv4_ends && strchr(word, '.') != nullptr) {
            if (n > group_count - 2 || !read_ipv4(word, ipv4))
                return -1;
            groups[n++] = ipv4[0] * 256u + ipv4[1];
            groups[n++] = ipv4[2] * 256u + ipv4[3];
        } else if (n == group_count || !read_group(word, &groups[n++])) {
            return -1;
        }
    }
    return n;
}

// Takes TEXT apart. "::" stands once, for one group at least.
static bool read_ipv6(char *text, uint8_t *bytes) {
    unsigned groups[group_count] = {};
    unsigned behind[group_count] = {};
    char *gap = strstr(text, "::");
    if (gap == nullptr) {
        if (read_groups(text, true, groups) != group_count)
            return false;
    } else {
        *gap = '\0';
        int before = read_groups(text, false, groups);
        int after = read_groups(gap + 2, true, behind);
        if (before == -1 || after == -1 || before + after >= group_count)
            return false;
        for (int i = 0; i < after; i++)
            groups[group_count - after + i] = behind[i];
    }
    for (int i = 0; i < group_count; i++) {
        bytes[2 * i] = static_cast<uint8_t>(groups[i] / 256);
        bytes[2 * i + 1] = static_cast<uint8_t>(groups[i] % 256);
    }
    return true;
}

static int read_scope(const char *text, uint32_t *scope) {
    long number = 0;
    if (naive_number(text, 1, INT32_MAX, &number) != 0)
        number = naive_interface(text);
    *scope = static_cast<uint32_t>(number);
    return number == 0 ? ENODEV : 0;
}

int naive_parse(const char *text, int family, struct naive_address *address) {
    const char *percent = strchrnul(text, '%');
    *address = {};
    char *whole = strdup(text);
    char *host = strndup(text, static_cast<size_t>(percent - text));
    address->family = AF_INET;
    bool read = family != AF_INET6 && read_ipv4(whole, address->bytes);
    if (!read && family != AF_INET) {
        address->family = AF_INET6;
        read = read_ipv6(host, address->bytes);
    }
    free(whole);
    free(host);
    if (!read)
        return EINVAL;
    if (*percent == '\0')
        return 0;
    return read_scope(percent + 1, &address->scope);
}

static void write_ipv4(const uint8_t *bytes, char *text, size_t size) {
    (void)snprintf(text, size, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2],
                   bytes[3]);
}

struct run {
    int start, size;
};

// The first of the longest; one group alone is no run (RFC 5952, 4.2).
static struct run longest_zeros(const unsigned *groups) {
    struct run longest = {group_count, 1};
    for (int start = 0; start < group_count; start++) {
        int end = start;
        while (end < group_count && groups[end] == 0)
            end++;
        if (end - start > longest.size)
            longest = {start, end - start};
    }
    return longest;
}

// RFC 5952, but ::a.b.c.d for an address that begins with exactly six groups
// of zeros: its section 5 leaves that to the writer, and glibc does so.
static void write_ipv6(const uint8_t *bytes, char *text, size_t size) {
    unsigned groups[group_count] = {};
    for (int i = 0; i < group_count; i++)
        groups[i] = bytes[2 * i] * 256u + bytes[2 * i + 1];
    struct run zeros = longest_zeros(groups);
    if (zeros.start == 0 && zeros.size == group_count - 2) {
        (void)snprintf(text, size, "::");
        write_ipv4(bytes + 12, text + 2, size - 2);
        return;
    }
    size_t n = 0;
    text[0] = '\0';
    for (int i = 0; i < group_count; i++) {
        const char *colon = i == 0 || text[n - 1] == ':' ? "" : ":";
        if (i == zeros.start) {
            (void)snprintf(text + n, size - n, "::");
            i += zeros.size - 1;
        } else {
            (void)snprintf(text + n, size - n, "%s%x", colon, groups[i]);
        }
        n = strlen(text);
    }
}

static bool is_mapped(const struct naive_address *address) {
    constexpr uint8_t start[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    return address->family == AF_INET6 &&
           memcmp(address->bytes, start, sizeof start) == 0;
}

void naive_format(const struct naive_address *address, unsigned port,
                  char *text, size_t size) {
    char host[64] = {};
    char scope[16] = {};
    if (address->scope != 0)
        (void)snprintf(scope, sizeof scope, "%%%u", address->scope);
    if (address->family == AF_INET || is_mapped(address)) {
        int offset = address->family == AF_INET ? 0 : 12;
        write_ipv4(address->bytes + offset, host, sizeof host);
        (void)snprintf(text, size, "%s:%u", host, port);
    } else {
        write_ipv6(address->bytes, host, sizeof host);
        (void)snprintf(text, size, "[%s%s]:%u", host, scope, port);
    }
}

// ---- wait statuses ----------------------------------------------------------

// As the kernel makes them: the low seven bits are the signal, or 127 of a
// child that is stopped or goes on; the eighth tells of a core dump.
void naive_status(int status, char *text, size_t size) {
    unsigned bits = static_cast<unsigned>(status);
    unsigned signo = bits % 128;
    text[0] = '\0';
    if (signo == 0)
        (void)snprintf(text, size, "exited %u", bits / 256 % 256);
    else if (signo != 127)
        (void)snprintf(text, size, "killed by signal %u", signo);
}
