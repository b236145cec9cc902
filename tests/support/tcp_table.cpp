// SPDX-License-Identifier: MIT
// tcp_table - the TCP sockets of this process's network namespace, from /proc.
#include <fstream>
#include <sstream>

#include "support/tcp_table.h"

static int port_in(const std::string &address) {
    return std::stoi(address.substr(address.rfind(':') + 1), nullptr, 16);
}

std::optional<std::vector<TcpSocket>> tcp_table() {
    std::optional<std::vector<TcpSocket>> sockets;
    for (const char *path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream table(path);
        std::string line;
        if (!std::getline(table, line)) // the header
            continue;
        if (!sockets)
            sockets.emplace();
        // "sl local remote st queues timer retransmits uid timeout inode ...",
        // where an address is "HEX:PORT".
        while (std::getline(table, line)) {
            std::istringstream fields(line);
            std::string words[10];
            for (std::string &word : words)
                fields >> word;
            sockets->push_back({std::stoi(words[3], nullptr, 16),
                                port_in(words[1]), port_in(words[2]),
                                "socket:[" + words[9] + "]"});
        }
    }
    return sockets;
}
