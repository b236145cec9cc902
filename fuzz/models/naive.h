// SPDX-License-Identifier: MIT
// naive - what src/ makes of numbers, addresses and wait statuses, written a
// second time from the contracts alone: plain and slow, for an oracle to
// compare with.
#pragma once

#include <stddef.h>
#include <stdint.h>

// As parse_number(), but returns 0 or the errno that it is to leave.
int naive_number(const char *text, long low, long high, long *value);

struct naive_address {
    int family;
    uint8_t bytes[16]; // of IPv4 the first four
    uint32_t scope;
};

// As parse_address() without a port, but returns 0 or the errno.
int naive_parse(const char *text, int family, struct naive_address *address);

// As format_address(), PORT in the host's byte order.
void naive_format(const struct naive_address *address, unsigned port,
                  char *text, size_t size);

// As if_nametoindex(3) on a host that has lo and eth0; 0 without an errno.
unsigned naive_interface(const char *name);

// As describe_status(); "" if a child with this wait status has not ended.
void naive_status(int status, char *text, size_t size);
