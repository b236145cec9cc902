// SPDX-License-Identifier: MIT
// clients - many connections to one echo server, with every byte compared.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/time.h>

#include "bench/clients.h"
#include "common/die.h"
#include "common/sockets.h"
#include "support/sockets.h"

// Larger messages are sent in chunks of this size.
constexpr int64_t piece_size = 64 * 1024;
// Where a client's bytes begin depends on its number, so that neither two
// clients nor two chunks can be confused: the period is a prime, and not the
// size of a chunk.
constexpr size_t period = 65521;
constexpr uint64_t stride = 40503;
// The side that closes first, here the client, keeps the pair of addresses in
// TIME_WAIT for a minute: a single address would run out of ports.
constexpr uint64_t loopback_addresses = 250;

static char received[4 * piece_size];

double now_seconds() {
    std::chrono::duration<double> time =
        std::chrono::steady_clock::now().time_since_epoch();
    return time.count();
}

// So often that any chunk is contiguous, wherever in the pattern it begins.
static std::string repeated_pattern() {
    std::string once = pattern(period);
    std::string bytes;
    while (bytes.size() < period + sizeof received)
        bytes += once;
    return bytes;
}

static const char *bytes_at(const Client &client, int64_t position) {
    static const std::string bytes = repeated_pattern();
    uint64_t at = client.first + static_cast<uint64_t>(position);
    return bytes.data() + at % period;
}

static union address loopback_address(uint64_t number, int port) {
    union address address = {};
    in_addr_t host = INADDR_LOOPBACK + static_cast<in_addr_t>(number);
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_addr.s_addr = htonl(host);
    address.ipv4.sin_port = htons(static_cast<in_port_t>(port));
    return address;
}

// Blocking, because a handshake on loopback does not leave the kernel; while
// the backlog is full, the others wait as well.
static Fd dial_from(uint64_t number, const Target &target) {
    union address from = loopback_address(number % loopback_addresses, 0);
    union address to = loopback_address(0, target.port);
    struct timeval limit = {target.patience, 0};
    int on = 1;
    Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int fd = client.get();
    // The port is chosen by connect(2), which knows which pairs are free.
    if (fd == -1 ||
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) ==
            -1 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == -1 ||
        bind(fd, &from.any, sizeof from.ipv4) == -1)
        die("a client's socket");
    if (connect(fd, &to.any, sizeof to.ipv4) == -1)
        die("connect");
    return client;
}

Clients::Clients(const Target &target)
    : target_(target), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_.get() == -1)
        die("epoll_create1");
}

void Clients::watch(int operation, const Client &client) const {
    struct epoll_event event = {};
    event.events = EPOLLIN | (client.blocked ? EPOLLOUT : 0U);
    event.data.fd = client.fd.get();
    if (epoll_ctl(epoll_.get(), operation, event.data.fd, &event) == -1)
        die("epoll_ctl");
}

Client &Clients::enter(int64_t size) {
    double began = now_seconds();
    Fd fd = dial_from(made_, target_);
    Client &client = all[fd.get()];
    client.fd = std::move(fd);
    client.first = made_++ * stride;
    client.goal = size;
    client.began = began;
    watch(EPOLL_CTL_ADD, client);
    push(client);
    return client;
}

void Clients::send_more(Client &client, int64_t size) {
    client.goal += size;
    client.began = now_seconds();
    push(client);
}

void Clients::finish(Client &client) {
    client.goal = client.sent;
    client.finished = true;
    if (shutdown(client.fd.get(), SHUT_WR) == -1)
        die("shutdown");
}

// Sends as much as fits.
void Clients::push(Client &client) {
    bool full = false;
    while (client.sent < client.goal && !full) {
        int64_t size = std::min(client.goal - client.sent, piece_size);
        ssize_t n =
            send(client.fd.get(), bytes_at(client, client.sent),
                 static_cast<size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN)
            die("send, after %jd bytes", static_cast<intmax_t>(client.sent));
        full = n < size;
        client.sent += n > 0 ? n : 0;
    }
    if (client.blocked != full) {
        client.blocked = full;
        watch(EPOLL_CTL_MOD, client);
    }
}

void Clients::compare(Client &client, size_t size) {
    int64_t end = client.back + static_cast<int64_t>(size);
    if (end > client.sent)
        die_plain("wrong bytes: %jd came back of %jd that were sent",
                  static_cast<intmax_t>(end),
                  static_cast<intmax_t>(client.sent));
    if (memcmp(received, bytes_at(client, client.back), size) != 0)
        die_plain("wrong bytes among the %zu that follow %jd right ones", size,
                  static_cast<intmax_t>(client.back));
    client.back = end;
    bytes_back += static_cast<int64_t>(size);
}

// Receives one chunk. Returns whether the client goes on.
bool Clients::pull(Client &client) {
    ssize_t n = recv(client.fd.get(), received, sizeof received, MSG_DONTWAIT);
    if (n == -1 && errno == EAGAIN)
        return true;
    if (n == -1)
        die("recv, after %jd bytes", static_cast<intmax_t>(client.back));
    if (n > 0) {
        compare(client, static_cast<size_t>(n));
        return true;
    }
    if (!client.finished || client.back < client.sent)
        die_plain("the server closed after %jd bytes of %jd",
                  static_cast<intmax_t>(client.back),
                  static_cast<intmax_t>(client.sent));
    return false;
}

void Clients::turn() {
    struct epoll_event events[64];
    int n = epoll_wait(epoll_.get(), events, 64, target_.patience * 1000);
    if (n == -1 && errno != EINTR)
        die("epoll_wait");
    if (n == 0)
        die_plain("no byte for %d seconds; %zu clients wait", target_.patience,
                  all.size());
    for (int i = 0; i < n; i++) {
        Client &client = all.at(events[i].data.fd);
        if ((events[i].events & EPOLLOUT) != 0)
            push(client);
        bool waited = client.back < client.goal;
        if (!pull(client)) {
            ended(client);
            all.erase(events[i].data.fd);
        } else if (waited && client.back == client.goal && !client.finished) {
            answered(client);
        }
    }
}
