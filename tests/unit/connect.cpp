// SPDX-License-Identifier: MIT
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "client/connect.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/sockets.h"
#include "support/wrap.h"

struct Attempt {
    Fd fd;
    std::string peer, why;
};

static Attempt attempt(const char *host, int port, int family = AF_UNSPEC,
                       int seconds = 0) {
    char peer[address_text_size] = {};
    const char *why = "";
    int fd = connect_to(host, static_cast<in_port_t>(port), family, seconds,
                        peer, &why);
    return {Fd(fd), peer, why};
}

TEST_CASE("a numeric address connects, blocking, without delay") {
    int port = 0;
    Fd listener = listen_locally(&port);
    Attempt made = attempt("127.0.0.1", port);
    REQUIRE(made.fd.get() != -1);
    CHECK(made.peer == "127.0.0.1:" + std::to_string(port));
    CHECK((fcntl(made.fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK(fcntl(made.fd.get(), F_GETFD) == FD_CLOEXEC);
    int value = 0;
    socklen_t size = sizeof value;
    CHECK(getsockopt(made.fd.get(), IPPROTO_TCP, TCP_NODELAY, &value, &size) ==
          0);
    CHECK(value == 1);
    CHECK(getsockopt(made.fd.get(), SOL_SOCKET, SO_KEEPALIVE, &value, &size) ==
          0);
    CHECK(value == 1);
}

TEST_CASE("a name connects by whichever of its addresses answers") {
    int port = 0;
    Fd listener = listen_locally(&port); // IPv4 alone
    CHECK(attempt("localhost", port).fd.get() != -1);
    CHECK(attempt("localhost", port, AF_INET).fd.get() != -1);
}

TEST_CASE("a port where nobody listens is refused") {
    Fd holder;
    int port = refusing_port(&holder);
    Attempt made = attempt("127.0.0.1", port);
    CHECK(made.fd.get() == -1);
    CHECK(made.why == strerror(ECONNREFUSED));
    size_t held = descriptors_of(getpid()).size();
    CHECK(attempt("127.0.0.1", port).fd.get() == -1);
    CHECK(descriptors_of(getpid()).size() == held); // nothing left open
    CHECK(made.peer == "127.0.0.1:" + std::to_string(port));
}

WRAP(connect);
WRAP(getaddrinfo);
WRAP(poll);

// Whether connect binds the socket to the very port that it dials: what may
// happen by chance where nobody listens. TCP then connects it to itself.
static bool meets_itself;

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size) {
    if (meets_itself)
        REQUIRE(bind(fd, to, size) == 0);
    return __real_connect(fd, to, size);
}

TEST_CASE("a socket that connects to itself is refused") {
    // The unspecified address connects to loopback.
    std::vector<std::string> hosts = {"127.0.0.1", "0.0.0.0"};
    if (have_ipv6())
        hosts.insert(hosts.end(), {"::1", "::", "::ffff:0.0.0.0"});
    for (const std::string &host : hosts) {
        CAPTURE(host);
        int port = 0; // another one each time: the last is in TIME_WAIT
        listen_locally(&port).close();
        meets_itself = true;
        Attempt made = attempt(host.c_str(), port);
        meets_itself = false;
        CHECK(made.fd.get() == -1);
        CHECK(made.why == strerror(ECONNREFUSED));
    }
}

TEST_CASE("a name that nobody knows is told as such") {
    // Too long for any resolver to ask the network for it.
    std::string host(64, 'x');
    Attempt made = attempt(host.c_str(), 7);
    CHECK(made.fd.get() == -1);
    CHECK(made.peer == host.substr(0, address_text_size - 1));
    CHECK_FALSE(made.why.empty());
    CHECK(attempt("::1", 7, AF_INET).fd.get() == -1);
}

TEST_CASE("a connection that nobody answers is given up in time") {
    int port = 0;
    Fd listener = listen_locally(&port);
    // A full backlog lets further connections wait: Linux drops their SYN.
    REQUIRE(listen(listener.get(), 0) == 0);
    Fd filler = dial(port);
    Attempt made = attempt("127.0.0.1", port, AF_INET, 1);
    CHECK(made.fd.get() == -1);
    CHECK(made.why == strerror(ETIMEDOUT));
}

// What every name has, unless empty.
static std::vector<const char *> addresses;

int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **result) {
    if (addresses.empty())
        return __real_getaddrinfo(host, service, hints, result);
    for (const char *address : addresses) {
        REQUIRE(__real_getaddrinfo(address, service, hints, result) == 0);
        result = &(*result)->ai_next;
    }
    return 0;
}

static size_t unanswered;      // so many connections time out, at once
static std::vector<int> waits; // how long each would have been waited for

int __wrap_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    waits.push_back(milliseconds);
    return waits.size() <= unanswered ? 0
                                      : __real_poll(fds, count, milliseconds);
}

TEST_CASE("an address that does not answer leaves time to those behind it") {
    int port = 0;
    Fd listener = listen_locally(&port);
    addresses = {"127.0.0.2", "127.0.0.3", "127.0.0.1"};
    unanswered = 2;
    waits.clear();
    Attempt made = attempt("name", port, AF_INET, 900);
    addresses.clear();
    unanswered = 0;
    CHECK(made.fd.get() != -1);
    CHECK(made.peer == "127.0.0.1:" + std::to_string(port));
    // A third of the time, half of it, all of it, less what has passed.
    REQUIRE(waits.size() == 3);
    CHECK(waits[0] <= 300000);
    CHECK(waits[1] > 300000);
    CHECK(waits[1] <= 450000);
    CHECK(waits[2] > 450000);
}
