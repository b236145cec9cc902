// SPDX-License-Identifier: MIT
// network - a loopback interface of the test's own.
#pragma once

// Takes the calling process, and all that it will start, to a network with
// nothing in it but loopback: no port there is taken by, or dialed from, what
// else runs on the machine, such as the other tests. Where it may not, without
// root or in some containers, it stays where it is; a port that one test has
// given up may then be another's a moment later. Returns whether it moved
// (network_namespaces(7)).
bool enter_own_network();
