// SPDX-License-Identifier: MIT
// echo_mpserv - the chapter's server: a process per connection, which echoes
// what its client sends (RFC 862), and no zombies.
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/sockets.h"
#include "server/children.h"
#include "server/events.h"
#include "server/sandbox.h"
#include "server/serve.h"

constexpr int most_clients = 1000000;
constexpr int default_clients = 1024;
constexpr int default_grace = 8; // docker stop and supervisord kill after 10

constexpr char usage[] =
    "usage: echo_mpserv [-46hqSV] [-a address] [-b backlog] [-c clients]\n"
    "                   [-C clients] [-g seconds] [-t seconds] port";

constexpr char help[] =
    "%s\n"
    "\n"
    "Echo server that forks a process per connection.\n"
    "\n"
    "  port                        0 to 65535; 0 chooses a free one; not\n"
    "                              needed with a listener from LISTEN_FDS\n"
    "  -a, --address address       numeric address to listen on; default:\n"
    "                              all, IPv6 and IPv4\n"
    "  -4, --ipv4                  IPv4 only\n"
    "  -6, --ipv6                  IPv6 only\n"
    "  -b, --backlog backlog       listen(2) backlog; default: the most the\n"
    "                              kernel allows\n"
    "  -c, --clients clients       maximum concurrent clients; others wait in\n"
    "                              the backlog; default %d\n"
    "  -C, --clients-per-address clients\n"
    "                              maximum clients per IPv4 address or IPv6\n"
    "                              /64; excess connections are closed;\n"
    "                              default: no limit\n"
    "  -g, --grace seconds         grace period for clients at shutdown;\n"
    "                              default %d\n"
    "  -t, --timeout seconds       disconnect a client that sends nothing for\n"
    "                              this long, or stops reading; default 0,\n"
    "                              never\n"
    "  -q, --quiet                 no line per client\n"
    "  -S, --no-sandbox            do not install the sandbox\n"
    "  -h, --help                  print this and exit\n"
    "  -V, --version               print the version and exit\n"
    "\n"
    "SIGUSR1 prints statistics; SIGTERM, SIGINT and SIGHUP shut the\n"
    "server down gracefully.";

constexpr struct option long_options[] = {
    {"address", required_argument, nullptr, 'a'},
    {"backlog", required_argument, nullptr, 'b'},
    {"clients", required_argument, nullptr, 'c'},
    {"clients-per-address", required_argument, nullptr, 'C'},
    {"grace", required_argument, nullptr, 'g'},
    {"help", no_argument, nullptr, 'h'},
    {"ipv4", no_argument, nullptr, '4'},
    {"ipv6", no_argument, nullptr, '6'},
    {"no-sandbox", no_argument, nullptr, 'S'},
    {"quiet", no_argument, nullptr, 'q'},
    {"timeout", required_argument, nullptr, 't'},
    {"version", no_argument, nullptr, 'V'},
    {nullptr, 0, nullptr, 0},
};

struct options {
    const char *address; // null: all
    int port;            // -1 if not given
    int clients;
    bool sandbox;
    struct listen_settings listen;
    struct serve_settings serve;
};

[[noreturn]] static void finish_option(int option, char **argv) {
    switch (option) {
    case 'h':
        say(help, usage, default_clients, default_grace);
        exit(EXIT_SUCCESS);
    case 'V':
        say("echo_mpserv %s%s", VERSION,
            sandbox_built_in() ? "" : " (without sandbox)");
        exit(EXIT_SUCCESS);
    default:
        die_bad_option(usage, option, argv);
    }
}

static void apply_option(struct options *o, int option, char **argv) {
    switch (option) {
    case '4':
    case '6':
        o->listen.family = argument_family(usage, o->listen.family, option);
        break;
    case 'a':
        o->address = optarg;
        break;
    case 'b':
        o->listen.backlog =
            argument_number(usage, "backlog", optarg, 1, INT_MAX);
        break;
    case 'c':
        o->clients = argument_number(usage, "clients", optarg, 1, most_clients);
        break;
    case 'C':
        o->serve.clients_per_address = argument_number(
            usage, "clients per address", optarg, 1, most_clients);
        break;
    case 'g':
        o->serve.grace =
            argument_number(usage, "grace", optarg, 0, most_seconds);
        break;
    case 'q':
        o->serve.quiet = true;
        break;
    case 'S':
        o->sandbox = false;
        break;
    case 't':
        o->listen.clients.timeout =
            argument_number(usage, "timeout", optarg, 0, most_seconds);
        break;
    default:
        finish_option(option, argv);
    }
}

static void read_options(struct options *o, int argc, char **argv) {
    opterr = 0; // die_bad_option() reports instead
    int option = 0;
    while ((option = next_option(argc, argv, ":46a:b:c:C:g:hqSt:V",
                                 long_options)) != -1)
        apply_option(o, option, argv);
    if (optind < argc)
        o->port = argument_number(usage, "port", argv[optind++], 0, 65535);
    if (optind < argc)
        die_usage(usage, "unexpected argument '%s'", argv[optind]);
}

static void read_address(const struct options *o, union address *address) {
    in_port_t port = static_cast<in_port_t>(o->port);
    if (parse_address(o->address, o->listen.family, port, address) == 0)
        return;
    if (errno == ENODEV)
        die_plain("address: unknown interface in '%s'", o->address);
    const char *wanted =
        o->listen.family == AF_INET    ? "IPv4 address, as -4 requires"
        : o->listen.family == AF_INET6 ? "IPv6 address, as -6 requires"
                                       : "IPv4 or IPv6 address";
    die_usage(usage, "address: '%s' is not a numeric %s", o->address, wanted);
}

static int make_listener(const struct options *o, bool passed_to_another) {
    if (o->port == -1)
        die_usage(usage, "port is missing%s",
                  passed_to_another ? ", and LISTEN_PID names another process"
                                    : "");
    struct listen_failure failure = {};
    in_port_t port = static_cast<in_port_t>(o->port);
    int listener = -1;
    if (o->address == nullptr) {
        listener = listen_everywhere(port, &o->listen, &failure);
    } else {
        union address address = {};
        read_address(o, &address);
        listener = listen_at(&address, &o->listen, &failure);
    }
    if (listener != -1)
        return listener;
    int reason = errno;
    char text[address_text_size];
    format_address(&failure.address, text);
    errno = reason;
    die("%s %s", failure.call, text);
}

static void open_listener(struct options *o) {
    o->serve.listener = inherited_listener();
    int reason = errno;
    // Do not keep what a shell, a build tool or flock(1) left open.
    int kept = o->serve.listener == -1 ? STDERR_FILENO : o->serve.listener;
    close_inherited(static_cast<unsigned>(kept) + 1, UINT_MAX);
    errno = reason;
    if (o->serve.listener != -1)
        o->serve.options = &o->listen.clients;
    else if (errno == ENOENT || errno == ESRCH)
        o->serve.listener = make_listener(o, errno == ESRCH);
    else if (errno == EINVAL)
        die_usage(usage, "LISTEN_PID must be a process ID, and LISTEN_FDS "
                         "0 or 1");
    else
        die("LISTEN_FDS: cannot use descriptor 3");
}

static void name_listener(int listener, char text[address_text_size]) {
    union address address = {};
    if (local_address(listener, &address) == -1)
        die("getsockname");
    format_address(&address, text);
}

int main(int argc, char **argv) {
    struct options o = {};
    o.port = -1;
    o.clients = default_clients;
    o.serve.grace = default_grace;
    o.listen.backlog = INT_MAX;
    o.sandbox = true;
    if (reset_inherited() == -1)
        die("cannot reset inherited descriptors and signals");
    read_options(&o, argc, argv);
    open_listener(&o);
    char name[address_text_size];
    name_listener(o.serve.listener, name);
    struct children children = {};
    if (children_open(&children, o.clients) == -1)
        die("cannot allocate a table for %d clients", o.clients);
    if (serve_signals() == -1 || log_open() == -1)
        die("sigaction");
    if (drop_capabilities() == -1) // binding the port may have needed one
        die("capset");
    if (o.sandbox && sandbox_enter() == -1)
        die("cannot install the sandbox (-S disables it)");
    log_line("listening on %s", name);
    int result = serve(&o.serve, &children);
    children_close(&children);
    return result == 0 ? EXIT_SUCCESS : exit_failed;
}
