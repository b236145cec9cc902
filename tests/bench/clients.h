// SPDX-License-Identifier: MIT
// clients - the clients of the load generator: many connections to one echo
// server, driven by one thread with epoll, every byte of the answers compared.
// Any error ends the program with a message and status 1.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "support/descriptors.h"

double now_seconds(); // of a clock that is never set

struct Client {
    Fd fd;
    uint64_t first = 0;    // where in the repeated pattern its bytes begin
    int64_t goal = 0;      // bytes to send in all
    int64_t sent = 0;      // bytes sent so far
    int64_t back = 0;      // bytes echoed so far, unchanged
    bool finished = false; // half-closed: end of file follows the rest
    bool blocked = false;  // epoll reports when there is room to send
    double began = 0;      // when it was made, or its last message was sent
};

struct Target {
    int port;     // of 127.0.0.1
    int patience; // seconds without a byte for any client before it fails
};

class Clients {
  public:
    explicit Clients(const Target &target);

    // Connects one that sends SIZE bytes, and sends these at once.
    Client &enter(int64_t size);
    // SIZE more bytes.
    void send_more(Client &client, int64_t size);
    // Half-closes; ended() is called once the server has closed too.
    void finish(Client &client);
    // Waits for an event of one or more, and handles it.
    void turn();

    std::unordered_map<int, Client> all; // by descriptor
    // Called when everything that a client had to send is back.
    std::function<void(Client &)> answered = [](Client &) {};
    // Called when the server has closed too, after all bytes; the client is
    // freed when it returns.
    std::function<void(Client &)> ended = [](Client &) {};
    int64_t bytes_back = 0; // of all clients

  private:
    void watch(int operation, const Client &client) const;
    void push(Client &client);
    bool pull(Client &client);
    void compare(Client &client, size_t size);

    Target target_;
    Fd epoll_;
    uint64_t made_ = 0;
};
