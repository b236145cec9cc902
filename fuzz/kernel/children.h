// SPDX-License-Identifier: MIT
// children - the table of children: the server's own, and strangers.
#pragma once

#include "kernel/state.h"

// The children that serve clients from ADDRESS, and of which the server cannot
// know that they have ended.
int children_at(int address);

// A child starts, CLIENT's or nobody's; returns its slot, null if none is
// left.
struct modelled_child *start_child(int client);

// CHILD ends with wait status STATUS.
void end_child(struct modelled_child *child, int status);
