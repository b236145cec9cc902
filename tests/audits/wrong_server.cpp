// SPDX-License-Identifier: MIT
// wrong_server - a server that makes one mistake on purpose, named by its
// argument: the negative control of what judges the real one. With `none` it
// makes no mistake. It prints echo_mpserv's lines, listens on a free port of
// every address, and ends as echo_mpserv does at SIGTERM and SIGINT. Mistakes
// with memory are wrong_memory's.
// `wrong_server [-g seconds] mistake`: the grace of that end, by default 1.
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "audits/mistakes.h"
#include "common/clock.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/sockets.h"
#include "common/status.h"
#include "common/stream.h"

#define MISTAKES                                                               \
    none, child_forks, child_keeps_listener, child_leaks, child_takes_sigint,  \
        child_unblocks_signals, child_wakes_when_idle, closes_again,           \
        dies_by_sigpipe, drain_keeps_listener, drain_leaves_children,          \
        drain_loses_clients, fork_failure_drops_client, forked_buffer,         \
        gives_up_on_accept, gives_up_on_emfile, handler_prints,                \
        leak_per_client, line_in_pieces, loses_signals, one_waitpid,           \
        parent_keeps_client, read_error_ignored, removed_twice,                \
        short_write_dropped, spin_on_emfile, wakes_when_idle,                  \
        wrong_exit_status, zombie_left
enum Mistake { MISTAKES };

constexpr int pause_ms = 100;
constexpr int second_ms = 1000;
constexpr int patience = 8; // errors of accept(2) in a row without a pause
constexpr int64_t never = INT64_MAX;

enum Phase { serving, draining, ending, over };
enum ChildStatus { served = 0, failed = 3, reset = 4, timed_out = 5 };

static Mistake mistake;
static Phase phase = serving;
static int listener;
static int client_in_hand = -1; // its fork has failed
static union address peer_in_hand;
static std::set<pid_t> children;
static int64_t grace_ms = second_ms;
static int64_t accept_at, complained_at = -second_ms;
static int64_t reap_at = never, kill_at = never;
static int accept_failures;
static bool broken;
static unsigned long served_count, fork_failures;
static volatile sig_atomic_t any_signal, child_ended, report_wanted,
    stop_wanted;

static void note_signal(int signo) {
    any_signal = 1;
    if (mistake == handler_prints)
        log_line("removed proc id: something");
    if (signo == SIGCHLD)
        child_ended = 1;
    else if (signo == SIGUSR1)
        report_wanted = 1;
    else if (stop_wanted < 2)
        stop_wanted = stop_wanted + 1;
}

static int64_t try_later(const char *what) {
    if (now_ms() - complained_at >= second_ms) {
        log_error("%s", what);
        complained_at = now_ms();
    }
    return now_ms() + pause_ms;
}

static void print(const std::string &line) {
    if (mistake != line_in_pieces) {
        log_line("%s", line.c_str());
        return;
    }
    std::string piece = line.substr(0, line.size() / 2);
    (void)write_all(STDOUT_FILENO, piece.data(), piece.size());
    piece = line.substr(piece.size()) + "\n";
    (void)write_all(STDOUT_FILENO, piece.data(), piece.size());
}

static void print_totals() {
    log_line("served %lu, live %zu, refused 0, fork failures %lu, "
             "lines lost %lu",
             served_count, children.size(), fork_failures, log_lines_lost());
}

// ---- the child --------------------------------------------------------------

static ssize_t take(int client, char *buffer, size_t size) {
    if (mistake == child_wakes_when_idle)
        while (wait_for(client, pause_ms) == 0)
            ;
    ssize_t n = 0;
    do
        n = read_some(client, buffer, size);
    while (n == -1 && mistake == read_error_ignored);
    return n;
}

static int give(int client, const char *buffer, size_t size) {
    if (mistake == short_write_dropped)
        return write(client, buffer, size) == -1 ? -1 : 0;
    return write_all(client, buffer, size);
}

static ChildStatus echo(int client) {
    static char buffer[256 * 1024];
    ssize_t n = 0;
    while ((n = take(client, buffer, sizeof buffer)) > 0)
        if (give(client, buffer, static_cast<size_t>(n)) == -1)
            break;
    if (n == 0)
        return served;
    if (errno == ECONNRESET || errno == EPIPE)
        return reset;
    return errno == EAGAIN || errno == ETIMEDOUT ? timed_out : failed;
}

[[noreturn]] static void run_child(int client) {
    auto below = static_cast<unsigned>(client) - 1;
    if (mistake == child_keeps_listener)
        close_inherited(0, STDERR_FILENO);
    else
        close_inherited(mistake == forked_buffer ? STDERR_FILENO : 0, below);
    if (mistake == child_leaks)
        (void)open("/dev/null", O_RDONLY);
    if (mistake == child_forks && fork() == 0)
        pause();
    if (mistake == child_takes_sigint)
        (void)set_signal(SIGINT, SIG_DFL);
    if (mistake == child_unblocks_signals)
        (void)unblock_signals();
    ChildStatus status = echo(client);
    (void)close(client);
    if (mistake == forked_buffer)
        exit(status);
    _exit(status);
}

// ---- the parent -------------------------------------------------------------

static void fork_failed(int client, const union address &peer) {
    fork_failures++;
    accept_at = try_later("fork");
    client_in_hand = client;
    peer_in_hand = peer;
    if (mistake == fork_failure_drops_client) {
        (void)close(client);
        client_in_hand = -1;
    }
}

static void start_child(int client, const union address &peer) {
    char address[address_text_size];
    format_address(&peer, address);
    std::string line = std::string("new client connected... ") + address;
    if (mistake == forked_buffer)
        (void)printf("%s", line.c_str());
    pid_t pid = fork();
    if (pid == 0)
        run_child(client);
    if (pid == -1) {
        fork_failed(client, peer);
        return;
    }
    if (mistake != parent_keeps_client && close(client) == -1 &&
        mistake == closes_again)
        (void)close(client);
    client_in_hand = -1;
    served_count++;
    children.insert(pid);
    if (mistake == leak_per_client)
        (void)open("/dev/null", O_RDONLY);
    std::string rest = " (pid " + std::to_string(pid) + ")";
    if (mistake == forked_buffer)
        (void)(printf("%s\n", rest.c_str()) + fflush(stdout));
    else
        print(line + rest);
}

static void begin_drain() {
    if (mistake != drain_keeps_listener) {
        (void)close(listener);
        listener = -1;
    }
    phase = mistake == drain_leaves_children ? over : draining;
    kill_at = now_ms() + (mistake == drain_loses_clients ? 0 : grace_ms);
}

static void accept_failed() {
    bool hopeless = errno == EBADF || errno == EINVAL || errno == ENOTSOCK;
    bool ran_out = errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                   errno == ENOMEM;
    if (mistake == spin_on_emfile && errno == EMFILE)
        return;
    if ((mistake == gives_up_on_emfile && errno == EMFILE) ||
        (mistake == gives_up_on_accept && errno == ECONNABORTED))
        die("accept");
    if (hopeless) {
        log_error("accept");
        broken = true;
        begin_drain();
    } else if (ran_out || ++accept_failures >= patience) {
        accept_at = try_later("accept");
    }
}

static void accept_client() {
    union address peer = {};
    socklen_t size = sizeof peer;
    int client = accept4(listener, &peer.any, &size, SOCK_CLOEXEC);
    if (client == -1) {
        accept_failed();
        return;
    }
    accept_failures = 0;
    start_child(client, peer);
}

static void child_reaped(pid_t pid, int status) {
    if (children.erase(pid) == 0)
        return;
    accept_at = 0;
    char words[status_text_size];
    describe_status(status, words);
    std::string reason = words;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == served)
        reason = "client disconnected";
    else if (code == reset)
        reason = "connection reset";
    else if (code == timed_out)
        reason = "timed out";
    std::string line =
        "removed proc id: " + std::to_string(pid) + " (" + reason + ")";
    print(line);
    if (mistake == removed_twice)
        print(line);
}

static void reap() {
    child_ended = 0;
    reap_at = never;
    if (mistake == zombie_left)
        return;
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        child_reaped(pid, status);
        if (mistake == one_waitpid)
            return;
    }
    if (pid == -1 && !children.empty())
        reap_at = try_later("waitpid");
}

static void end_children() {
    if (phase == ending && reap_at != never) {
        broken = true;
        phase = over;
        return;
    }
    for (pid_t pid : children)
        (void)kill(pid, SIGKILL);
    if (client_in_hand != -1)
        (void)close(client_in_hand);
    client_in_hand = -1;
    phase = ending;
    kill_at = now_ms() + second_ms;
}

static void heed_signals() {
    if (child_ended || now_ms() >= reap_at)
        reap();
    if (report_wanted) {
        report_wanted = 0;
        print_totals();
    }
    if (stop_wanted > 0 && phase == serving)
        begin_drain();
    bool told_twice = stop_wanted > 1 && phase == draining;
    if (phase != over && (told_twice || now_ms() >= kill_at))
        end_children();
}

static int time_to_wait(int64_t now) {
    int64_t until = kill_at < reap_at ? kill_at : reap_at;
    bool paused = client_in_hand != -1 || now < accept_at;
    if (paused && accept_at < until)
        until = accept_at;
    if (mistake == wakes_when_idle && until > now + pause_ms)
        until = now + pause_ms;
    if (until == never)
        return -1;
    return until > now ? static_cast<int>(until - now) : 0;
}

static void take_turn() {
    int64_t now = now_ms();
    bool wants_client =
        phase == serving && client_in_hand == -1 && now >= accept_at;
    any_signal = 0;
    if (mistake == loses_signals)
        (void)unblock_signals(); // one that comes now does not end the sleep
    int ready = wait_for(wants_client ? listener : -1, time_to_wait(now));
    if (ready == -1 && !any_signal) {
        (void)try_later("ppoll");
        (void)usleep(pause_ms * 1000);
    }
    if (ready == 1)
        (void)wait_for(-1, 0); // else a load without end would shut signals out
    heed_signals();
    if (client_in_hand != -1 && now_ms() >= accept_at)
        start_child(client_in_hand, peer_in_hand);
    else if (ready == 1 && phase == serving)
        accept_client();
}

// ---- start and end ----------------------------------------------------------

static void read_arguments(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "-g") == 0)
        grace_ms = atoi(argv[2]) * int64_t{second_ms};
    int value = value_of(argv[argc - 1], NAMES_OF(MISTAKES));
    if (value == -1)
        die_usage("usage: wrong_server [-g seconds] mistake",
                  "no such mistake");
    mistake = static_cast<Mistake>(value);
}

static void start_listening() {
    struct listen_failure failure = {};
    union address address = {};
    char name[address_text_size];
    struct listen_settings settings = {};
    settings.backlog = INT_MAX;
    listener = listen_everywhere(0, &settings, &failure);
    if (listener == -1 || local_address(listener, &address) == -1)
        die("listener");
    for (int signo : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1})
        if (block_signal(signo) == -1 || set_signal(signo, note_signal) == -1)
            die("sigaction");
    (void)block_signal(SIGQUIT);
    (void)set_signal(SIGTTOU, SIG_IGN);
    if (mistake == dies_by_sigpipe)
        (void)set_signal(SIGPIPE, SIG_DFL);
    (void)log_open();
    format_address(&address, name);
    log_line("listening on %s", name);
}

static bool finished() {
    bool nobody_left = children.empty() && client_in_hand == -1;
    return phase == over || (phase != serving && nobody_left);
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    read_arguments(argc, argv);
    start_listening();
    child_ended = 1; // children inherited over exec may have ended long ago
    while (!finished())
        take_turn();
    print_totals();
    if (mistake == wrong_exit_status)
        return 3;
    return broken ? exit_failed : EXIT_SUCCESS;
}
