// SPDX-License-Identifier: MIT
// echo_mpclient - the chapter's client, with input split from output: the
// parent receives, a child reads the input and sends it (talk.h). Exits with 0
// if as many bytes came back as were sent.
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/connect.h"
#include "client/ending.h"
#include "client/talk.h"
#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"

constexpr char usage[] =
    "usage: echo_mpclient [-46hrV] [-t seconds] [-w seconds] host port";

constexpr char help[] =
    "%s\n"
    "\n"
    "Sends its input to an echo server and prints what it receives.\n"
    "\n"
    "  host                   name or numeric address\n"
    "  port                   1 to 65535\n"
    "  -4, --ipv4             IPv4 only\n"
    "  -6, --ipv6             IPv6 only\n"
    "  -r, --raw              pass bytes through unchanged: no prefix, no q\n"
    "  -t, --timeout seconds  give up if nothing is received for this long\n"
    "                         while a reply is due; default 0, never\n"
    "  -w, --wait seconds     connection timeout, excluding name resolution,\n"
    "                         shared among the addresses of host; default 0,\n"
    "                         the kernel's own limit\n"
    "  -h, --help             print this and exit\n"
    "  -V, --version          print the version and exit\n"
    "\n"
    "A line that is just q or Q, or the end of the input, ends sending;\n"
    "data in transit is still received.";

constexpr struct option long_options[] = {
    {"help", no_argument, nullptr, 'h'},
    {"ipv4", no_argument, nullptr, '4'},
    {"ipv6", no_argument, nullptr, '6'},
    {"raw", no_argument, nullptr, 'r'},
    {"timeout", required_argument, nullptr, 't'},
    {"version", no_argument, nullptr, 'V'},
    {"wait", required_argument, nullptr, 'w'},
    {nullptr, 0, nullptr, 0},
};

struct options {
    const char *host;
    in_port_t port;
    int family;
    int timeout; // seconds
    int wait;    // seconds
    bool raw;
};

static void apply_option(struct options *o, int option, char **argv) {
    switch (option) {
    case '4':
    case '6':
        o->family = argument_family(usage, o->family, option);
        break;
    case 'r':
        o->raw = true;
        break;
    case 't':
        o->timeout = argument_number(usage, "timeout", optarg, 0, most_seconds);
        break;
    case 'w':
        o->wait = argument_number(usage, "wait", optarg, 0, most_seconds);
        break;
    case 'h':
        say(help, usage);
        exit(EXIT_SUCCESS);
    case 'V':
        say("echo_mpclient %s", VERSION);
        exit(EXIT_SUCCESS);
    default:
        die_bad_option(usage, option, argv);
    }
}

static void read_options(struct options *o, int argc, char **argv) {
    opterr = 0; // die_bad_option() reports instead
    int option = 0;
    while ((option = next_option(argc, argv, ":46hrVt:w:", long_options)) != -1)
        apply_option(o, option, argv);
    if (argc - optind < 2)
        die_usage(usage, "%s is missing", argc == optind ? "host" : "port");
    if (argc - optind > 2)
        die_usage(usage, "unexpected argument '%s'", argv[optind + 2]);
    o->host = argv[optind];
    if (o->host[0] == '\0') // perhaps an unset variable in a script
        die_usage(usage, "host is empty");
    o->port = static_cast<in_port_t>(
        argument_number(usage, "port", argv[optind + 1], 1, 65535));
}

// The cause first, then the loss.
static void explain(const struct talk_report *r, const char *peer) {
    errno = r->error;
    if (r->failed != nullptr && r->error != 0)
        warn("%s: %s", peer, r->failed);
    else if (r->failed != nullptr)
        warn_plain("%s: %s", peer, r->failed);
    if (r->sent != r->received)
        warn_plain("%s: sent %ju bytes, received %ju", peer, uintmax_t{r->sent},
                   uintmax_t{r->received});
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("cannot reset inherited descriptors and signals");
    if (catch_signals() == -1)
        die("sigaction");
    struct options o = {};
    read_options(&o, argc, argv);
    char peer[address_text_size];
    const char *why = nullptr;
    int socket = connect_to(o.host, o.port, o.family, o.wait, peer, &why);
    if (socket == -1)
        die_plain("connect %s%s: %s", peer,
                  o.family == AF_INET    ? " with -4"
                  : o.family == AF_INET6 ? " with -6"
                                         : "",
                  why);
    struct talk_settings settings = {socket, STDIN_FILENO, STDOUT_FILENO, o.raw,
                                     o.timeout};
    struct talk_report report;
    int result = talk(&settings, &report);
    explain(&report, peer);
    (void)close(socket); // nothing more is expected
    return result == 0 ? EXIT_SUCCESS : exit_failed;
}
