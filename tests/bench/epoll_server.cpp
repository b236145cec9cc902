// SPDX-License-Identifier: MIT
// epoll_server - one process for all clients, for comparison: what a process
// per connection costs and gains. It echoes one chunk at a time, and keeps a
// chunk that its client does not read. usage: epoll_server port
#include <cerrno>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/listener.h"
#include "common/die.h"

static char buffer[256 * 1024];
static int epoll_fd;
static std::map<int, std::string> held; // by client: what is yet to be sent

static void watch(int operation, int fd, uint32_t events) {
    struct epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_fd, operation, fd, &event) == -1)
        die("epoll_ctl");
}

static void take_client(int listener) {
    int client = accept(listener, nullptr, nullptr);
    if (client == -1)
        die("accept");
    watch(EPOLL_CTL_ADD, client, EPOLLIN);
}

static void drop_client(int client) {
    held.erase(client);
    close(client); // also removes it from epoll
}

// Holds what does not fit; nothing more is read from CLIENT until it is sent.
static void send_to(int client, const char *bytes, size_t size) {
    ssize_t n = send(client, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == -1 && errno != EAGAIN) {
        drop_client(client);
        return;
    }
    size_t sent = n == -1 ? 0 : static_cast<size_t>(n);
    std::string rest(bytes + sent, size - sent); // BYTES may be what was held
    if (rest.empty() && held.erase(client) > 0)
        watch(EPOLL_CTL_MOD, client, EPOLLIN);
    if (rest.empty())
        return;
    watch(EPOLL_CTL_MOD, client, EPOLLOUT);
    held[client] = std::move(rest);
}

static void serve_client(int client) {
    if (auto rest = held.find(client); rest != held.end()) {
        send_to(client, rest->second.data(), rest->second.size());
        return;
    }
    ssize_t n = read(client, buffer, sizeof buffer);
    if (n > 0)
        send_to(client, buffer, static_cast<size_t>(n));
    else
        drop_client(client);
}

int main(int argc, char **argv) {
    struct rlimit limit = {};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max; // all its clients are in this process
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    epoll_fd = epoll_create1(0);
    int listener = listen_at_argument(argc, argv);
    int on = 1; // its clients inherit it
    (void)setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, 64, -1);
        if (n == -1 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == listener)
                take_client(listener);
            else
                serve_client(events[i].data.fd);
    }
}
