// SPDX-License-Identifier: MIT
// clients - the clients of the load generator: many connections to one echo
// server, driven by one thread with epoll, every byte of the answers compared.
// Any error ends the program with a message and status 1.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

// Larger messages are sent in chunks of this size.
constexpr size_t piece_size = 64 * 1024;
constexpr int64_t no_end = INT64_MAX;

double now_seconds(); // of a clock that is never set

struct Client {
    int fd;
    uint64_t first; // where in the stream of all patterns its bytes begin
    int64_t goal;   // bytes to send in all; no_end for ever
    int64_t sent;   // bytes sent so far
    int64_t back;   // bytes echoed so far, unchanged
    bool finished;  // half-closed: end of file follows the rest
    bool blocked;   // epoll reports when there is room to send
    double began;   // when it was made, or its last message was sent
};

struct Target {
    int port;     // of 127.0.0.1
    int patience; // seconds without a byte for any client before it fails
};

class Clients {
  public:
    explicit Clients(const Target &target);
    ~Clients();
    Clients(const Clients &) = delete;

    // Connects one that sends SIZE bytes, and sends these at once. It lives
    // until ended() has been called for it, or leave().
    Client &enter(int64_t size);
    // SIZE more bytes.
    void send_more(Client &client, int64_t size);
    void send_more_on_all(int64_t size);
    // Half-closes; ended() is called once the server has closed too.
    void finish(Client &client);
    void finish_all();
    // Closes the remaining ones, without waiting.
    void leave();
    size_t count() const {
        return count_;
    }
    // Waits for an event of one or more, and handles it.
    void turn();

    // Called when everything that a client had to send is back.
    std::function<void(Client &)> answered = [](Client &) {};
    // Called when the server has closed too, after all bytes; the client is
    // freed when it returns.
    std::function<void(Client &)> ended = [](Client &) {};
    int64_t bytes_back = 0; // of all clients

  private:
    void watch(int operation, const Client &client, bool blocked) const;
    void push(Client &client);
    bool pull(Client &client);
    void compare(Client &client, size_t size);
    void forget(Client &client);
    void each(const std::function<void(Client &)> &act) const;

    Target target_;
    int epoll_;
    size_t count_ = 0;
    uint64_t made_ = 0;
    std::vector<std::unique_ptr<Client>> by_fd_;
};
