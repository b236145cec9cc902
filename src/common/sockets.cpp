// SPDX-License-Identifier: MIT
// sockets - a listener, made or inherited, and addresses as text.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/number.h"
#include "common/sockets.h"

constexpr int first_passed_fd = 3; // SD_LISTEN_FDS_START
constexpr int most_unsent = 128 * 1024;

static struct sockaddr_in *as_ipv4(struct sockaddr_storage *address) {
    return reinterpret_cast<struct sockaddr_in *>(address);
}

static struct sockaddr_in6 *as_ipv6(struct sockaddr_storage *address) {
    return reinterpret_cast<struct sockaddr_in6 *>(address);
}

static const struct sockaddr_in *
as_ipv4(const struct sockaddr_storage *address) {
    return reinterpret_cast<const struct sockaddr_in *>(address);
}

static const struct sockaddr_in6 *
as_ipv6(const struct sockaddr_storage *address) {
    return reinterpret_cast<const struct sockaddr_in6 *>(address);
}

// A scope is an interface's name or, as getnameinfo(3) writes it, its number.
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
                  struct sockaddr_storage *address) {
    struct sockaddr_storage parsed = {};
    struct sockaddr_in *ipv4 = as_ipv4(&parsed);
    if (family != AF_INET6 && inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(port);
    } else if (family != AF_INET) {
        if (parse_ipv6(text, as_ipv6(&parsed)) == -1)
            return -1;
        as_ipv6(&parsed)->sin6_port = htons(port);
    } else {
        errno = EINVAL;
        return -1;
    }
    *address = parsed;
    return 0;
}

void format_address(const struct sockaddr_storage *address,
                    char text[address_text_size]) {
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *ipv4 = as_ipv4(address);
        (void)inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof host); // fits
        (void)snprintf(text, address_text_size, "%s:%d", host,
                       ntohs(ipv4->sin_port));
        return;
    }
    const struct sockaddr_in6 *ipv6 = as_ipv6(address);
    int port = ntohs(ipv6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr)) {
        const uint8_t *ipv4 = ipv6->sin6_addr.s6_addr + 12;
        (void)inet_ntop(AF_INET, ipv4, host, sizeof host); // fits
        (void)snprintf(text, address_text_size, "%s:%d", host, port);
        return;
    }
    (void)inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host); // fits
    if (ipv6->sin6_scope_id == 0)
        (void)snprintf(text, address_text_size, "[%s]:%d", host, port);
    else
        (void)snprintf(text, address_text_size, "[%s%%%u]:%d", host,
                       ipv6->sin6_scope_id, port);
}

static int set_flag(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}

static int set_timeout(int socket, int option, int seconds) {
    struct timeval time = {.tv_sec = seconds, .tv_usec = 0};
    return setsockopt(socket, SOL_SOCKET, option, &time, sizeof time);
}

int set_client_options(int socket, const struct client_options *options) {
    int seconds = options->timeout;
    if (set_flag(socket, IPPROTO_TCP, TCP_NODELAY, 1) == -1 ||
        set_flag(socket, SOL_SOCKET, SO_KEEPALIVE, 1) == -1 ||
        set_flag(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, most_unsent) == -1 ||
        set_timeout(socket, SO_RCVTIMEO, seconds) == -1 ||
        set_timeout(socket, SO_SNDTIMEO, seconds) == -1)
        return -1;
    int set = set_flag(socket, SOL_SOCKET, SO_OOBINLINE, 1);
    return set == -1 && errno == EOPNOTSUPP ? 0 : set; // MPTCP has no such byte
}

// Returns the call that failed, with its errno; null if none did.
static const char *bind_and_listen(int fd, const struct sockaddr_storage *to,
                                   const struct listen_settings *settings) {
    bool ipv6 = to->ss_family == AF_INET6;
    socklen_t size = ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    // A restart must not wait for old connections in TIME_WAIT.
    if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
        return "setsockopt SO_REUSEADDR";
    // Set in both cases: the default is the administrator's to change.
    if (ipv6 &&
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, settings->ipv6_only) == -1)
        return "setsockopt IPV6_V6ONLY";
    if (bind(fd, reinterpret_cast<const struct sockaddr *>(to), size) == -1)
        return "bind";
    // From listen(2) on there may be clients.
    if (set_client_options(fd, &settings->clients) == -1)
        return "setsockopt";
    if (listen(fd, settings->backlog) == -1)
        return "listen";
    return nullptr;
}

int listen_at(const struct sockaddr_storage *address,
              const struct listen_settings *settings,
              struct listen_failure *failure) {
    failure->call = "socket";
    failure->address = *address;
    int fd = socket(address->ss_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    failure->call = bind_and_listen(fd, address, settings);
    if (failure->call == nullptr)
        return fd;
    int reason = errno;
    (void)close(fd); // never used; the reason to tell is the other one
    errno = reason;
    return -1;
}

int listen_everywhere(int family, in_port_t port,
                      const struct listen_settings *settings,
                      struct listen_failure *failure) {
    struct sockaddr_storage any = {};
    struct listen_settings of_family = *settings;
    of_family.ipv6_only = family == AF_INET6;
    if (family != AF_INET) {
        as_ipv6(&any)->sin6_family = AF_INET6;
        as_ipv6(&any)->sin6_addr = in6addr_any;
        as_ipv6(&any)->sin6_port = htons(port);
        int fd = listen_at(&any, &of_family, failure);
        // The host was built or booted without IPv6, or has it switched off.
        bool no_ipv6 = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
        if (fd != -1 || family == AF_INET6 || !no_ipv6)
            return fd;
    }
    any = {};
    as_ipv4(&any)->sin_family = AF_INET;
    as_ipv4(&any)->sin_addr.s_addr = htonl(INADDR_ANY);
    as_ipv4(&any)->sin_port = htons(port);
    return listen_at(&any, &of_family, failure);
}

// FD's integer option OPTION, or -1 with errno.
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
    if (pid != getpid()) // the variables have outlived whom they were for
        return fail(ESRCH);
    if (parse_number(count_text, 0, 1, &count) == -1)
        return fail(EINVAL);
    if (count == 0)
        return fail(ENOENT);
    if (check_passed(first_passed_fd) == -1 || take_over(first_passed_fd) == -1)
        return -1;
    return first_passed_fd;
}

int local_address(int socket, struct sockaddr_storage *address) {
    socklen_t size = sizeof *address;
    return getsockname(socket, reinterpret_cast<struct sockaddr *>(address),
                       &size);
}
