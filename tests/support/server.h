// SPDX-License-Identifier: MIT
// server - runs an echo_mpserv for the test.
#pragma once

#include <string>
#include <vector>

#include "support/process.h"

// echo_mpserv OPTIONS, with -S where the kernel does not support its sandbox.
std::vector<std::string>
server_command(const std::vector<std::string> &options = {});

class Server : public Process {
  public:
    // echo_mpserv OPTIONS on a free port; waits until it listens.
    explicit Server(const std::vector<std::string> &options = {},
                    const StartOptions &start = {});
    int port = 0;
};

// For StartOptions::in_child: passes LISTENER as systemd would.
void pass_listener(const Fd &listener);

// The port in the line "listening on ADDRESS:PORT" of OUTPUT.
int announced_port(const std::string &output);
