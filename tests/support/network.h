// SPDX-License-Identifier: MIT
// network - gives the test a network namespace of its own.
#pragma once

// Moves the calling process, and all that it will start, to a network with only
// a loopback interface: other programs on the machine, such as the other tests,
// neither take its ports nor connect to them. Without permission (not root, or
// in some containers) it stays where it is; a port that one test closes may
// then soon be another's. Returns whether it moved (network_namespaces(7)).
bool enter_own_network();
