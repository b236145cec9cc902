// SPDX-License-Identifier: MIT
// epoll_server - one process for all clients, for comparison: what a process
// per connection costs and gains. It echoes one chunk at a time, and keeps a
// chunk that its client does not read. usage: epoll_server, on a free port
#include <cerrno>
#include <map>
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
    int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (client == -1 && (errno == EAGAIN || errno == ECONNABORTED))
        return;
    if (client == -1)
        die("accept");
    watch(EPOLL_CTL_ADD, client, EPOLLIN);
}

static void drop_client(int client) {
    held.erase(client);
    close(client); // also removes it from epoll
}

// Returns how much was sent, or -1 when the client is gone.
static ssize_t send_piece(int client, const char *bytes, size_t size) {
    ssize_t n = send(client, bytes, size, MSG_NOSIGNAL);
    return n == -1 && errno == EAGAIN ? 0 : n;
}

static void echo_piece(int client) {
    ssize_t n = read(client, buffer, sizeof buffer);
    ssize_t sent =
        n > 0 ? send_piece(client, buffer, static_cast<size_t>(n)) : -1;
    if (sent == -1) {
        drop_client(client);
    } else if (sent < n) {
        held[client].assign(buffer + sent, static_cast<size_t>(n - sent));
        watch(EPOLL_CTL_MOD, client, EPOLLOUT);
    }
}

static void send_held(int client) {
    std::string &rest = held[client];
    ssize_t sent = send_piece(client, rest.data(), rest.size());
    if (sent == -1) {
        drop_client(client);
        return;
    }
    rest.erase(0, static_cast<size_t>(sent));
    if (!rest.empty())
        return;
    held.erase(client);
    watch(EPOLL_CTL_MOD, client, EPOLLIN);
}

static void serve_event(int listener, const struct epoll_event &event) {
    int fd = event.data.fd;
    if (fd == listener)
        take_client(listener);
    else if (held.contains(fd))
        send_held(fd);
    else
        echo_piece(fd);
}

int main() {
    struct rlimit limit = {};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max; // all its clients are in this process
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    epoll_fd = epoll_create1(0);
    int listener = listen_locally(true);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, 64, -1);
        if (n == -1 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++)
            serve_event(listener, events[i]);
    }
}
