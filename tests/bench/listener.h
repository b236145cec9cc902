// SPDX-License-Identifier: MIT
// listener - the listening socket of the servers compared with echo_mpserv.
#pragma once

// Listens at the port of 127.0.0.1 that is the program's only argument, and
// returns the descriptor; ends the program if that fails.
int listen_at_argument(int argc, char **argv);
