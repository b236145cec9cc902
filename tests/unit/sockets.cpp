// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sockets.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/wrap.h"

static int no_ipv6;     // the errno of a host without IPv6; 0 with it
static bool bind_fails; // with that errno; otherwise socket(2) does
static bool listen_fails;
static void (*on_listen)(int fd); // called before listen(2); may be null
static bool old_mptcp;            // whose sockets lack two options

WRAP(socket);
WRAP(bind);
WRAP(listen);
WRAP(setsockopt);

static bool missing(int family, bool in_bind) {
    if (no_ipv6 == 0 || family != AF_INET6 || in_bind != bind_fails)
        return false;
    errno = no_ipv6;
    return true;
}

int __wrap_socket(int family, int type, int protocol) {
    return missing(family, false) ? -1 : __real_socket(family, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size) {
    return missing(address->sa_family, true) ? -1
                                             : __real_bind(fd, address, size);
}

int __wrap_listen(int fd, int backlog) {
    if (on_listen != nullptr)
        on_listen(fd);
    if (!listen_fails)
        return __real_listen(fd, backlog);
    errno = EADDRINUSE;
    return -1;
}

int __wrap_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t size) {
    bool lacks = (level == IPPROTO_TCP && option == TCP_NOTSENT_LOWAT) ||
                 (level == SOL_SOCKET && option == SO_OOBINLINE);
    if (!old_mptcp || !lacks)
        return __real_setsockopt(fd, level, option, value, size);
    errno = EOPNOTSUPP;
    return -1;
}

static std::string text_of(const union address &address) {
    char text[address_text_size];
    format_address(&address, text);
    return text;
}

static listen_settings of_family(int family) {
    return {.family = family, .backlog = 5, .clients = {.timeout = 7}};
}

static int listen_anywhere(int family, int port, listen_failure *failure) {
    listen_settings settings = of_family(family);
    return listen_everywhere(static_cast<in_port_t>(port), &settings, failure);
}

static Fd listen_on(const char *text, listen_failure *failure, int port = 0) {
    union address address = {};
    REQUIRE(parse_address(text, AF_UNSPEC, static_cast<in_port_t>(port),
                          &address) == 0);
    listen_settings settings = of_family(AF_UNSPEC);
    return Fd(listen_at(&address, &settings, failure));
}

TEST_CASE("one listener accepts IPv6 and IPv4") {
    listen_failure failure = {};
    Fd both(listen_anywhere(AF_UNSPEC, 0, &failure));
    REQUIRE(both.get() != -1);
    if (have_ipv6())
        CHECK(dial(local_port(both), AF_INET6).get() != -1);
    CHECK(dial(local_port(both), AF_INET).get() != -1);
    CHECK(fcntl(both.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("a family may have the port to itself" *
          doctest::skip(!have_ipv6())) {
    listen_failure failure = {};
    Fd ipv6(listen_anywhere(AF_INET6, 0, &failure));
    REQUIRE(ipv6.get() != -1);
    int port = local_port(ipv6);
    // If it were not IPv6 only, the port would be in use for IPv4 too.
    Fd ipv4(listen_anywhere(AF_INET, port, &failure));
    CHECK(ipv4.get() != -1);
}

TEST_CASE("a host without IPv6 listens on IPv4 alone") {
    for (int error : {EAFNOSUPPORT, EADDRNOTAVAIL}) {
        bind_fails = error == EADDRNOTAVAIL;
        if (bind_fails && !have_ipv6_family())
            continue; // socket(2) would have failed first
        no_ipv6 = error;
        listen_failure failure = {};
        size_t held = descriptors_of(getpid()).size();
        Fd ipv4(listen_anywhere(AF_UNSPEC, 0, &failure));
        CHECK(ipv4.get() != -1);
        CHECK(dial(local_port(ipv4), AF_INET).get() != -1);
        CHECK(listen_anywhere(AF_INET6, 0, &failure) == -1);
        CHECK(errno == error);
        CHECK(std::string(failure.call) == (bind_fails ? "bind" : "socket"));
        ipv4.close();
        CHECK(descriptors_of(getpid()).size() == held); // nothing left open
        no_ipv6 = 0;
    }
}

TEST_CASE("a failing listen is named, and leaves nothing open") {
    listen_failure failure = {};
    size_t held = descriptors_of(getpid()).size();
    listen_fails = true;
    CHECK(listen_anywhere(AF_UNSPEC, 0, &failure) == -1);
    CHECK(errno == EADDRINUSE);
    listen_fails = false;
    CHECK(std::string(failure.call) == "listen");
    CHECK(text_of(failure.address) == every_address() + ":0");
    CHECK(descriptors_of(getpid()).size() == held);
}

TEST_CASE("a failure names the call and the address") {
    listen_failure failure = {};
    Fd first = listen_on("127.0.0.1", &failure);
    REQUIRE(first.get() != -1);
    int port = local_port(first);
    Fd second = listen_on("127.0.0.1", &failure, port);
    CHECK(second.get() == -1);
    CHECK(errno == EADDRINUSE);
    CHECK(std::string(failure.call) == "bind");
    CHECK(text_of(failure.address) == "127.0.0.1:" + std::to_string(port));
    Fd foreign = listen_on("192.0.2.1", &failure);
    CHECK(foreign.get() == -1);
    CHECK(errno == EADDRNOTAVAIL);
}

TEST_CASE("client options fail on what is not a TCP socket") {
    Fd file = scratch_file();
    client_options options = {7};
    CHECK(set_client_options(file.get(), &options) == -1);
    CHECK(errno == ENOTSOCK);
}

template <typename Value>
static Value option(int fd, int level, int name) {
    Value value = {};
    socklen_t size = sizeof value;
    REQUIRE(getsockopt(fd, level, name, &value, &size) == 0);
    return value;
}

static void check_client_options(int fd) {
    CHECK(option<int>(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option<int>(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option<int>(fd, SOL_SOCKET, SO_OOBINLINE) == 1);
    CHECK(option<timeval>(fd, SOL_SOCKET, SO_RCVTIMEO).tv_sec == 7);
    CHECK(option<int>(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 128 * 1024);
    CHECK(option<timeval>(fd, SOL_SOCKET, SO_SNDTIMEO).tv_sec == 7);
}

TEST_CASE("an accepted socket inherits its options from the listener") {
    listen_failure failure = {};
    on_listen = check_client_options; // later would be too late for some
    Fd listener = listen_on("127.0.0.1", &failure);
    on_listen = nullptr;
    REQUIRE(listener.get() != -1);
    CHECK((fcntl(listener.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(option<int>(listener.get(), SOL_SOCKET, SO_REUSEADDR) == 1);
    Fd client = dial(local_port(listener));
    Fd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(accepted.get() != -1);
    check_client_options(accepted.get());
    CHECK((fcntl(accepted.get(), F_GETFL) & O_NONBLOCK) == 0);
}

#ifndef SYS_socketcall // or set_client_options() calls syscall(2)
TEST_CASE("the options that an old kernel's MPTCP lacks are not needed") {
    Fd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    client_options options = {7};
    old_mptcp = true;
    CHECK(set_client_options(tcp.get(), &options) == 0);
    old_mptcp = false;
    CHECK(option<timeval>(tcp.get(), SOL_SOCKET, SO_SNDTIMEO).tv_sec == 7);
}
#endif

TEST_CASE("MPTCP sockets accept the options without urgent data" *
          doctest::skip(mptcp_socket().get() == -1)) {
    Fd mptcp = mptcp_socket();
    client_options options = {7};
    CHECK(set_client_options(mptcp.get(), &options) == 0);
    CHECK(option<timeval>(mptcp.get(), SOL_SOCKET, SO_SNDTIMEO).tv_sec == 7);
}

// Calls inherited_listener() in a process of its own where FD, unless -1, is
// descriptor 3. Returns "3" or the name of the errno.
static std::string inherited(const char *pid, const char *count, int fd) {
    Fd away_from_3(fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 50));
    int passed = away_from_3.get();
    Run result = run_in_child([=] {
        std::string own = std::to_string(getpid());
        if (pid != nullptr)
            setenv("LISTEN_PID", *pid == '@' ? own.c_str() : pid, 1);
        if (count != nullptr)
            setenv("LISTEN_FDS", count, 1);
        close(3);
        if (passed != -1)
            dup2(passed, 3);
        int taken = inherited_listener();
        const char *name = taken == 3 ? "3" : strerrorname_np(errno);
        bool kept = taken == 3 && (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0;
        bool blocks = taken == 3 && (fcntl(3, F_GETFL) & O_NONBLOCK) == 0;
        dprintf(STDOUT_FILENO, "%s%s%s", name, kept ? " open over exec" : "",
                blocks ? " blocking" : "");
    });
    return result.output;
}

TEST_CASE("a passed listener is used by the process it is meant for") {
    listen_failure failure = {};
    Fd listener = listen_on("127.0.0.1", &failure);
    int fd = listener.get();
    REQUIRE(fcntl(fd, F_SETFL, 0) == 0);
    CHECK(inherited("@", "1", fd) == "3");
    CHECK(inherited(nullptr, nullptr, fd) == "ENOENT");
    CHECK(inherited("@", nullptr, fd) == "ENOENT");
    CHECK(inherited("1", "1", fd) == "ESRCH");
    CHECK(inherited("1", "2", fd) == "ESRCH"); // not ours to check
    CHECK(inherited("@", "0", fd) == "ENOENT");
    CHECK(inherited("@", "2", fd) == "EINVAL");
    CHECK(inherited("@", "x", fd) == "EINVAL");
    CHECK(inherited("-1", "1", fd) == "EINVAL");
    CHECK(inherited("@", "1", -1) == "EBADF");
}

TEST_CASE("a passed MPTCP listener is used" *
          doctest::skip(mptcp_socket().get() == -1)) {
    Fd mptcp = mptcp_socket();
    CHECK(inherited("@", "1", mptcp.get()) == "EPROTOTYPE");
    REQUIRE(listen(mptcp.get(), 1) == 0);
    CHECK(inherited("@", "1", mptcp.get()) == "3");
}

TEST_CASE("what is not a listening TCP socket is refused") {
    Fd file = scratch_file();
    CHECK(inherited("@", "1", file.get()) == "ENOTSOCK");
    Pipe pair = make_socket_pair();
    CHECK(inherited("@", "1", pair.read_end.get()) == "EPROTOTYPE");
    Fd idle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(inherited("@", "1", idle.get()) == "EPROTOTYPE");
}
