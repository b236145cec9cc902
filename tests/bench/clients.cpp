// SPDX-License-Identifier: MIT
// clients - many connections to one echo server, with every byte compared.
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/clients.h"
#include "common/die.h"

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

// More than twice the pattern: any chunk of it is contiguous.
static const std::string &pattern() {
    static const std::string bytes = [] {
        std::string made(period + sizeof received, '\0');
        uint32_t state = 1;
        for (size_t i = 0; i < made.size(); i++) {
            state = state * 1664525U + 1013904223U;
            made[i] =
                i < period ? static_cast<char>(state >> 24) : made[i - period];
        }
        return made;
    }();
    return bytes;
}

static const char *bytes_at(const Client &client, int64_t position) {
    uint64_t at = client.first + static_cast<uint64_t>(position);
    return pattern().data() + at % period;
}

// Blocking, because a handshake on loopback does not leave the kernel; while
// the backlog is full, the others wait as well.
static int dial(const Target &target, uint64_t number) {
    struct sockaddr_in from = {};
    from.sin_family = AF_INET;
    uint32_t host = static_cast<uint32_t>(number % loopback_addresses);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
    struct sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<in_port_t>(target.port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval limit = {target.patience, 0};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        die("socket");
    // The port is chosen by connect(2), which knows which pairs are free.
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) ==
            -1 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == -1 ||
        bind(fd, reinterpret_cast<struct sockaddr *>(&from), sizeof from) == -1)
        die("a client's socket");
    if (connect(fd, reinterpret_cast<struct sockaddr *>(&to), sizeof to) == -1)
        die("connect");
    return fd;
}

Clients::Clients(const Target &target)
    : target_(target), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ == -1)
        die("epoll_create1");
}

Clients::~Clients() {
    leave();
    close(epoll_);
}

void Clients::watch(int operation, const Client &client, bool blocked) const {
    struct epoll_event event = {};
    event.events = EPOLLIN | (blocked ? EPOLLOUT : 0U);
    event.data.fd = client.fd;
    if (epoll_ctl(epoll_, operation, client.fd, &event) == -1)
        die("epoll_ctl");
}

Client &Clients::enter(int64_t size) {
    double began = now_seconds();
    int fd = dial(target_, made_);
    size_t slot = static_cast<size_t>(fd);
    if (by_fd_.size() <= slot)
        by_fd_.resize(slot + 1);
    by_fd_[slot] = std::make_unique<Client>();
    Client &client = *by_fd_[slot];
    client.fd = fd;
    client.first = made_++ * stride;
    client.goal = size;
    client.began = began;
    count_++;
    watch(EPOLL_CTL_ADD, client, false);
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
    if (client.blocked) {
        client.blocked = false;
        watch(EPOLL_CTL_MOD, client, false);
    }
    if (shutdown(client.fd, SHUT_WR) == -1)
        die("shutdown");
}

void Clients::each(const std::function<void(Client &)> &act) const {
    for (const std::unique_ptr<Client> &client : by_fd_)
        if (client)
            act(*client);
}

void Clients::send_more_on_all(int64_t size) {
    each([&](Client &client) { send_more(client, size); });
}

void Clients::finish_all() {
    each([&](Client &client) { finish(client); });
}

void Clients::forget(Client &client) {
    close(client.fd); // also removes it from epoll
    count_--;
    by_fd_[static_cast<size_t>(client.fd)].reset();
}

void Clients::leave() {
    each([&](Client &client) { forget(client); });
}

// Sends as much as fits.
void Clients::push(Client &client) {
    bool full = false;
    while (client.sent < client.goal && !full) {
        int64_t rest = client.goal - client.sent;
        size_t size = rest < static_cast<int64_t>(piece_size)
                          ? static_cast<size_t>(rest)
                          : piece_size;
        ssize_t n = send(client.fd, bytes_at(client, client.sent), size,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN)
            die("send, after %jd bytes", static_cast<intmax_t>(client.sent));
        full = n < static_cast<ssize_t>(size);
        client.sent += n > 0 ? n : 0;
    }
    if (client.blocked != full) {
        client.blocked = full;
        watch(EPOLL_CTL_MOD, client, full);
    }
}

void Clients::compare(Client &client, size_t size) {
    int64_t end = client.back + static_cast<int64_t>(size);
    if (end > client.sent)
        die_plain("wrong bytes: %jd came back of %jd that were sent",
                  static_cast<intmax_t>(end),
                  static_cast<intmax_t>(client.sent));
    const char *expected = bytes_at(client, client.back);
    if (memcmp(received, expected, size) != 0) {
        size_t i = 0;
        while (received[i] == expected[i])
            i++;
        die_plain("wrong bytes: 0x%02x instead of 0x%02x after %jd",
                  static_cast<unsigned char>(received[i]),
                  static_cast<unsigned char>(expected[i]),
                  static_cast<intmax_t>(client.back) +
                      static_cast<intmax_t>(i));
    }
    client.back = end;
    bytes_back += static_cast<int64_t>(size);
}

// Receives one chunk. Returns whether the client goes on.
bool Clients::pull(Client &client) {
    ssize_t n = recv(client.fd, received, sizeof received, MSG_DONTWAIT);
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
    int n = epoll_wait(epoll_, events, 64, target_.patience * 1000);
    if (n == -1 && errno != EINTR)
        die("epoll_wait");
    if (n == 0)
        die_plain("no byte for %d seconds; %zu clients wait", target_.patience,
                  count_);
    for (int i = 0; i < n; i++) {
        Client &client = *by_fd_[static_cast<size_t>(events[i].data.fd)];
        if ((events[i].events & EPOLLOUT) != 0)
            push(client);
        bool waited = client.back < client.goal;
        if (!pull(client)) {
            ended(client);
            forget(client);
        } else if (waited && client.back == client.goal && !client.finished) {
            answered(client);
        }
    }
}
