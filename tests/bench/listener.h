// SPDX-License-Identifier: MIT
// listener - the listening socket of the servers compared with echo_mpserv.
#pragma once

// Listens on a free port of 127.0.0.1, prints it as echo_mpserv prints its own,
// and returns the descriptor; ends the program if that fails. For a server that
// waits for more than one descriptor it is NON_BLOCKING, and what it accepts
// has TCP_NODELAY; otherwise neither, as by default.
int listen_locally(bool non_blocking);
