// SPDX-License-Identifier: MIT
// clients - the clients of the load generator: many connections to one echo
// server, driven by epoll from one thread, every byte of the answers compared.
// Whatever is wrong ends the program with a message and status 1.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

// Larger messages are sent in pieces of this size.
constexpr size_t piece_size = 64 * 1024;
constexpr int64_t no_end = INT64_MAX;

double now_seconds(); // of a clock that nobody sets

struct Client {
    int fd;
    uint64_t first; // where in the stream of all patterns its bytes begin
    int64_t goal;   // so many bytes go out in all; no_end for ever
    int64_t sent;   // so many of them went out
    int64_t back;   // and so many came back, each as it was sent
    bool finished;  // half-closed: after the rest comes end of file
    bool blocked;   // epoll tells when there is room to send
    double began;   // when it was made, or its last message was sent
};

struct Target {
    int port;     // of 127.0.0.1
    int patience; // seconds without a byte from anybody, then it has failed
};

class Clients {
  public:
    explicit Clients(const Target &target);
    ~Clients();
    Clients(const Clients &) = delete;

    // Connects one that sends SIZE bytes, and these at once. It lives until
    // its end has been handed to ended(), or leave().
    Client &enter(int64_t size);
    // SIZE bytes more.
    void send_more(Client &client, int64_t size);
    void send_more_on_all(int64_t size);
    // Half-closes; ended() is called when the server has closed, too.
    void finish(Client &client);
    void finish_all();
    // Closes all that are left, without waiting.
    void leave();
    size_t count() const {
        return count_;
    }
    // Waits for one or more to have something, and deals with it.
    void turn();

    // Called when all that a client had to send is back.
    std::function<void(Client &)> answered = [](Client &) {};
    // Called when the server has closed too, after all bytes; the client is
    // gone when it returns.
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
