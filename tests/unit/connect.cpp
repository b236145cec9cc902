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

TEST_CASE("a numeric address gives a blocking socket with TCP_NODELAY") {
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

TEST_CASE("a name connects to whichever of its addresses answers") {
    int port = 0;
    Fd listener = listen_locally(&port); // IPv4 alone
    CHECK(attempt("localhost", port).fd.get() != -1);
    CHECK(attempt("localhost", port, AF_INET).fd.get() != -1);
}

TEST_CASE("a port without a listener refuses the connection") {
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

// Whether connect binds the socket to the port that it connects to, as may
// happen by chance where there is no listener. TCP then connects it to itself.
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
        int port = 0; // a new one each time: the last is in TIME_WAIT
        listen_locally(&port).close();
        meets_itself = true;
        Attempt made = attempt(host.c_str(), port);
        meets_itself = false;
        CHECK(made.fd.get() == -1);
        CHECK(made.why == strerror(ECONNREFUSED));
    }
}

TEST_CASE("an unknown name is reported as such") {
    // Too long for any resolver to query the network.
    std::string host(64, 'x');
    Attempt made = attempt(host.c_str(), 7);
    CHECK(made.fd.get() == -1);
    CHECK(made.peer == host.substr(0, address_text_size - 1));
    CHECK_FALSE(made.why.empty());
    CHECK(attempt("::1", 7, AF_INET).fd.get() == -1);
}

// What every name resolves to, unless empty.
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

static size_t unanswered;      // how many connections time out, at once
static std::vector<int> waits; // the timeout of each

int __wrap_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    waits.push_back(milliseconds);
    return waits.size() <= unanswered ? 0
                                      : __real_poll(fds, count, milliseconds);
}

TEST_CASE("an address that does not answer leaves time for the next") {
    int port = 0;
    Fd listener = listen_locally(&port);
    addresses = {"127.0.0.2", "127.0.0.3", "127.0.0.1"};
    unanswered = 2;
    waits.clear();
    Attempt made = attempt("name", port, AF_INET, 900);
    addresses.clear();
    CHECK(made.fd.get() != -1);
    CHECK(made.peer == "127.0.0.1:" + std::to_string(port));
    // A third of the remaining time, then half of it, then all.
    REQUIRE(waits.size() == 3);
    CHECK(waits[0] <= 300000);
    CHECK(waits[1] > 300000);
    CHECK(waits[1] <= 450000);
    CHECK(waits[2] > 450000);
    CHECK(waits[2] <= 900000);
}

TEST_CASE("an unanswered connection attempt times out") {
    int port = 0;
    Fd listener = listen_locally(&port);
    unanswered = 1;
    waits.clear();
    Attempt made = attempt("127.0.0.1", port, AF_INET, 100);
    unanswered = 0;
    REQUIRE(waits.size() == 1);
    CHECK(waits[0] > 0);
    CHECK(waits[0] <= 100000);
    CHECK(made.fd.get() == -1);
    CHECK(made.why == strerror(ETIMEDOUT));
}
