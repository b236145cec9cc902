// SPDX-License-Identifier: MIT
// children - the table of children: the server's own, and strangers, which it
// inherited over exec(3) or adopted.
#pragma once

#include "kernel/state.h"

// Whether CLIENT's host has as many running children as it may; ALSO_ENDED also
// counts those that have terminated and were not reaped.
bool host_is_full(int client, bool also_ended);

// Starts a child of CLIENT or nobody; returns its slot, null if none is free.
struct modelled_child *start_child(int client);

// CHILD terminates with wait status STATUS.
void end_child(struct modelled_child *child, int status);
