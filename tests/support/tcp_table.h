// SPDX-License-Identifier: MIT
// tcp_table - the TCP sockets of this process's network namespace, from /proc.
#pragma once

#include <optional>
#include <string>
#include <vector>

// States of proc_pid_net(5).
constexpr int tcp_time_wait = 6;
constexpr int tcp_listen = 10;

struct TcpSocket {
    int state;
    int local_port, remote_port;
    std::string target; // of a descriptor's link; "socket:[0]" without one
};
// Of both families; nothing where the host does not permit it.
std::optional<std::vector<TcpSocket>> tcp_table();
