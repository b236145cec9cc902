// SPDX-License-Identifier: MIT
// servers - the servers measured.
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "bench/servers.h"
#include "common/die.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

constexpr int attempts = 5; // to take a port before another process does

// inetd finds its own echo by service name only. To use a port other than 7, it
// gets a private /etc/services, which disappears with it; this takes root.
constexpr char start_inetd[] =
    "mount -t tmpfs none /mnt && echo echo $1/tcp >/mnt/services &&"
    " echo 127.0.0.1:echo stream tcp nowait.$2 root internal >/mnt/conf &&"
    " mount --bind /mnt/services /etc/services &&"
    " exec inetd -i -q 4096 -R $2 /mnt/conf";

// With the best options each has: no Nagle (except inetd and ncat), no limit,
// no name resolution, a long backlog. socat keeps its 8 KiB blocks, because
// with larger ones it stalls itself under bulk.
static const std::vector<std::vector<std::string>> peers = {
    {"socat", "TCP-LISTEN:PORT,bind=127.0.0.1,fork,nodelay,backlog=4096",
     "PIPE"},
    {"tcpserver", "-DHR", "-l0", "-b4096", "-c1000000", "127.0.0.1", "PORT",
     "cat"},
    {"inetd", "unshare", "-m", "sh", "-c", start_inetd, "sh", "PORT",
     "100000000"},
    {"ncat", "-lkn", "-m", "1000000", "--exec", "/bin/cat", "127.0.0.1",
     "PORT"},
};

static std::string with_port(std::string word, int port) {
    size_t at = word.find("PORT");
    return at == word.npos ? word : word.replace(at, 4, std::to_string(port));
}

std::vector<std::string> words_at(const Contestant &contestant, int port) {
    std::vector<std::string> words;
    for (const std::string &word : contestant.words)
        words.push_back(with_port(word, port));
    return words;
}

std::string not_installed(const std::vector<Contestant> &contestants) {
    std::string missing;
    for (const Contestant &contestant : contestants)
        if (!contestant.installed())
            missing += " " + contestant.name;
    return missing.empty() ? "" : " Not installed:" + missing + ".";
}

static Contestant peer(std::vector<std::string> words) {
    std::string name = words[0];
    bool installed = !path_of(name).empty();
    if (name == "inetd")
        words.erase(words.begin());
    words[0] = installed ? path_of(words[0]) : "";
    return {name, words, false};
}

std::vector<Contestant> all_contestants() {
    std::vector<Contestant> all = {
        {"echo_mpserv", {program("echo_mpserv"), "-q", "0"}, true},
        {"floor", {test_program("floor")}, true},
        {"epoll_server", {test_program("epoll_server")}, true},
    };
    for (const std::vector<std::string> &words : peers)
        all.push_back(peer(words));
    return all;
}

static Running start_own(const Contestant &contestant,
                         const std::vector<std::string> &more) {
    std::vector<std::string> words = contestant.words;
    if (words.size() > 1) // the floor takes no options
        words.insert(words.begin() + 1, more.begin(), more.end());
    Running running;
    running.process = std::make_unique<Process>(words);
    REQUIRE_MESSAGE(running.process->output_has("\n"), contestant.name);
    running.port = announced_port(running.process->output);
    running.held = descriptors_of(running.process->pid());
    return running;
}

static Running start_peer(const Contestant &contestant) {
    Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    StartOptions quiet;
    quiet.output = null.get();
    quiet.errors = null.get();
    for (int i = 0; i < attempts; i++) {
        Fd holder;
        Running running;
        running.port = refusing_port(&holder);
        holder.close();
        running.process = std::make_unique<Process>(
            words_at(contestant, running.port), quiet);
        bool ended = false;
        bool ready = eventually([&] {
            ended = running.process->has_ended();
            return ended || is_listening(running.port);
        });
        if (ready && !ended)
            return running;
    }
    return {};
}

Running start_contestant(const Contestant &contestant,
                         const std::vector<std::string> &more) {
    return contestant.own ? start_own(contestant, more)
                          : start_peer(contestant);
}

void end_without_leftovers(const Contestant &contestant, Running &running) {
    CAPTURE(contestant.name);
    Process &process = *running.process;
    CHECK(eventually([&] { return children_of(process.pid()).empty(); }));
    CHECK(eventually(
        [&] { return descriptors_of(process.pid()) == running.held; }));
    process.signal(SIGTERM);
    int status = process.wait();
    if (contestant.name == "echo_mpserv") // only it shuts down gracefully
        CHECK(status == 0);
    CHECK(orphans_left_by(process.pid()) == 0);
    CHECK_MESSAGE(process.errors.empty(), process.errors);
}

int run_comparison(const char *usage_text, int argc, char **argv) {
    if (optind < argc)
        die_usage(usage_text, "unexpected argument '%s'", argv[optind]);
    doctest::Context context;
    context.setOption("minimal", true);
    return context.run();
}
