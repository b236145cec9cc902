// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/number.h"
#include "common/sockets.h"

constexpr int first_passed_fd = 3; // SD_LISTEN_FDS_START
constexpr int most_unsent = 128 * 1024;

// A scope is an interface's name or number.
static int parse_scope(const char *text, uint32_t *scope) {
    long number = 0;
    if (parse_number(text, 1, INT32_MAX, &number) == 0) {
        *scope = static_cast<uint32_t>(number);
        return 0;
    }
    *scope = if_nametoindex(text);
    if (*scope != 0)
        return 0;
    errno = ENODEV;
    return -1;
}

static int parse_ipv6(const char *text, struct sockaddr_in6 *address) {
    char host[INET6_ADDRSTRLEN] = {};
    const char *percent = strchr(text, '%');
    size_t n =
        percent == nullptr ? strlen(text) : static_cast<size_t>(percent - text);
    if (n < sizeof host)
        memcpy(host, text, n);
    if (inet_pton(AF_INET6, host, &address->sin6_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    address->sin6_family = AF_INET6;
    if (percent == nullptr)
        return 0;
    return parse_scope(percent + 1, &address->sin6_scope_id);
}

int parse_address(const char *text, int family, in_port_t port,
                  union address *address) {
    union address parsed = {};
    if (family != AF_INET6 &&
        inet_pton(AF_INET, text, &parsed.ipv4.sin_addr) == 1) {
        parsed.ipv4.sin_family = AF_INET;
        parsed.ipv4.sin_port = htons(port);
    } else if (family != AF_INET) {
        if (parse_ipv6(text, &parsed.ipv6) == -1)
            return -1;
        parsed.ipv6.sin6_port = htons(port);
    } else {
        errno = EINVAL;
        return -1;
    }
    *address = parsed;
    return 0;
}

bool ipv4_of(const union address *address, struct in_addr *ipv4) {
    *ipv4 = address->ipv4.sin_addr;
    if (address->any.sa_family == AF_INET)
        return true;
    const struct in6_addr *ipv6 = &address->ipv6.sin6_addr;
    memcpy(ipv4, ipv6->s6_addr + 12, sizeof *ipv4);
    return IN6_IS_ADDR_V4MAPPED(ipv6);
}

void format_address(const union address *address,
                    char text[address_text_size]) {
    char host[INET6_ADDRSTRLEN] = "?";
    int port = ntohs(address->ipv6.sin6_port); // at the same place in IPv4
    struct in_addr ipv4 = {};
    if (ipv4_of(address, &ipv4)) {
        (void)inet_ntop(AF_INET, &ipv4, host, sizeof host); // fits
        (void)snprintf(text, address_text_size, "%s:%d", host, port);
        return;
    }
    const struct sockaddr_in6 *ipv6 = &address->ipv6;
    (void)inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host); // fits
    if (ipv6->sin6_scope_id == 0)
        (void)snprintf(text, address_text_size, "[%s]:%d", host, port);
    else
        (void)snprintf(text, address_text_size, "[%s%%%u]:%d", host,
                       ipv6->sin6_scope_id, port);
}

// On i386 glibc would call socketcall(2), whose arguments the sandbox cannot
// see.
static int set_option(int fd, int level, int option, const void *value,
                      socklen_t size) {
#ifdef SYS_socketcall
    return static_cast<int>(
        syscall(SYS_setsockopt, fd, level, option, value, size));
#else
    return setsockopt(fd, level, option, value, size);
#endif
}

static int set_int(int fd, int level, int option, int value) {
    return set_option(fd, level, option, &value, sizeof value);
}

// MPTCP has no SO_OOBINLINE and, before Linux 6.9, no TCP_NOTSENT_LOWAT.
static int set_unless_mptcp(int fd, int level, int option, int value) {
    int set = set_int(fd, level, option, value);
    return set == -1 && errno == EOPNOTSUPP ? 0 : set;
}

static int set_timeout(int socket, int option, int seconds) {
    struct timeval time = {.tv_sec = seconds, .tv_usec = 0};
    return set_option(socket, SOL_SOCKET, option, &time, sizeof time);
}

int set_client_options(int socket, const struct client_options *options) {
    int seconds = options->timeout;
    if (set_int(socket, IPPROTO_TCP, TCP_NODELAY, 1) == -1 ||
        set_int(socket, SOL_SOCKET, SO_KEEPALIVE, 1) == -1 ||
        set_unless_mptcp(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, most_unsent) ==
            -1 ||
        set_timeout(socket, SO_RCVTIMEO, seconds) == -1 ||
        set_timeout(socket, SO_SNDTIMEO, seconds) == -1)
        return -1;
    return set_unless_mptcp(socket, SOL_SOCKET, SO_OOBINLINE, 1);
}

// Returns the call that failed, with its errno; or null.
static const char *bind_and_listen(int fd, const union address *to,
                                   const struct listen_settings *settings) {
    bool ipv6 = to->any.sa_family == AF_INET6;
    // A restart must not wait for connections in TIME_WAIT.
    if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
        return "setsockopt SO_REUSEADDR";
    // Set in either case, because the default can be changed (bindv6only).
    if (ipv6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY,
                        settings->family == AF_INET6) == -1)
        return "setsockopt IPV6_V6ONLY";
    if (bind(fd, &to->any, ipv6 ? sizeof to->ipv6 : sizeof to->ipv4) == -1)
        return "bind";
    // Before listen(2), so that every client inherits them.
    if (set_client_options(fd, &settings->clients) == -1)
        return "setsockopt";
    if (listen(fd, settings->backlog) == -1)
        return "listen";
    return nullptr;
}

int listen_at(const union address *address,
              const struct listen_settings *settings,
              struct listen_failure *failure) {
    failure->call = "socket";
    failure->address = *address;
    int fd = socket(address->any.sa_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    failure->call = bind_and_listen(fd, address, settings);
    if (failure->call == nullptr)
        return fd;
    close_after_failure(fd);
    return -1;
}

int listen_everywhere(in_port_t port, const struct listen_settings *settings,
                      struct listen_failure *failure) {
    union address ipv6 = {};
    ipv6.ipv6.sin6_family = AF_INET6;
    ipv6.ipv6.sin6_addr = in6addr_any;
    ipv6.ipv6.sin6_port = htons(port);
    union address ipv4 = {};
    ipv4.ipv4.sin_family = AF_INET;
    ipv4.ipv4.sin_addr.s_addr = htonl(INADDR_ANY);
    ipv4.ipv4.sin_port = htons(port);
    if (settings->family == AF_INET)
        return listen_at(&ipv4, settings, failure);
    int fd = listen_at(&ipv6, settings, failure);
    // The kernel has no IPv6, or it is disabled.
    if (fd == -1 && settings->family == AF_UNSPEC &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = listen_at(&ipv4, settings, failure);
    return fd;
}

static int socket_option(int fd, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, option, &value, &size) == -1)
        return -1;
    return value;
}

static int check_passed(int fd) {
    int listening = socket_option(fd, SO_ACCEPTCONN);
    if (listening == -1)
        return -1;
    int protocol = socket_option(fd, SO_PROTOCOL);
    if (listening == 1 &&
        (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP))
        return 0;
    errno = EPROTOTYPE;
    return -1;
}

static int take_over(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int fail(int error) {
    errno = error;
    return -1;
}

int inherited_listener(void) {
    const char *pid_text = secure_getenv("LISTEN_PID");
    const char *count_text = secure_getenv("LISTEN_FDS");
    long pid = 0;
    long count = 0;
    if (pid_text == nullptr || count_text == nullptr)
        return fail(ENOENT);
    if (parse_number(pid_text, 1, INT32_MAX, &pid) == -1)
        return fail(EINVAL);
    if (pid != getpid()) // set for an ancestor
        return fail(ESRCH);
    if (parse_number(count_text, 0, 1, &count) == -1)
        return fail(EINVAL);
    if (count == 0)
        return fail(ENOENT);
    if (check_passed(first_passed_fd) == -1 || take_over(first_passed_fd) == -1)
        return -1;
    return first_passed_fd;
}

// Whether ERROR of accept(2) is about the listener or a shortage.
static bool concerns_listener(int error) {
    switch (error) {
    case EAGAIN:
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return true;
    default:
        return false;
    }
}

int accept_from(int listener, union address *peer, int tries) {
    int fd = -1;
    for (; fd == -1 && tries > 0; tries--) {
        socklen_t size = sizeof *peer;
        fd = accept4(listener, &peer->any, &size, SOCK_CLOEXEC);
        if (fd == -1 && concerns_listener(errno))
            break;
    }
    return fd;
}

int local_address(int socket, union address *address) {
    socklen_t size = sizeof *address;
    return getsockname(socket, &address->any, &size);
}

void close_after_failure(int fd) {
    int reason = errno;
    (void)close(fd); // unused; the earlier failure is the one to report
    errno = reason;
}
