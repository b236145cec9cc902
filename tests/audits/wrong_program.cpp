// SPDX-License-Identifier: MIT
// wrong_program - a client, or a demonstration, that makes one mistake on
// purpose, named by its argument: the negative control of what judges the real
// ones. With `none` it makes no mistake.
// `wrong_program client mistake host port`: as echo_mpclient, in raw mode but
// for its q. `wrong_program demo mistake seconds`: as `wait`, with one child
// that sleeps; each of both prints a line first.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audits/mistakes.h"
#include "client/connect.h"
#include "client/lines.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/stream.h"

// The client's parent is the receiver, its child the writer.
#define MISTAKES                                                               \
    none, child_beside, child_blocks_signals, child_dies_by_sigpipe,           \
        child_keeps_descriptor, child_keeps_handlers, child_left,              \
        child_not_reaped, child_outlives_parent, child_stays,                  \
        child_wakes_when_idle, complains, no_half_close,                       \
        parent_blocks_signals, parent_dies_by_sigpipe,                         \
        parent_keeps_descriptor, parent_wakes_after_half_close,                \
        parent_wakes_when_idle, sends_quit, signal_leaves_child,               \
        success_though_failed, wrong_exit_status
enum Mistake { MISTAKES };

constexpr char usage[] = "usage: wrong_program client mistake host port\n"
                         "       wrong_program demo mistake seconds";
constexpr int pause_ms = 100;

static Mistake mistake;
static volatile sig_atomic_t child_ended;
static volatile sig_atomic_t child; // its pid; 0 when it has been reaped
static bool failed;

// ---- mistakes of both -------------------------------------------------------

static void hold_twice(int fd) {
    if (fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) == -1)
        die("fcntl");
}

// After the fork, for a child inherits.
static void begin_parent(int fd) {
    if (mistake == parent_keeps_descriptor)
        hold_twice(fd);
    if (mistake == parent_dies_by_sigpipe)
        (void)set_signal(SIGPIPE, SIG_DFL);
    if (mistake == parent_blocks_signals)
        (void)block_signal(SIGUSR1);
    if (mistake == complains)
        warn_plain("something is wrong");
}

static void begin_child(pid_t parent, int fd) {
    bool lives_on = mistake == child_left || mistake == child_outlives_parent;
    if (!lives_on && end_with_parent(parent) == -1)
        die("the parent");
    if (mistake == child_keeps_descriptor)
        hold_twice(fd);
    if (mistake == child_dies_by_sigpipe)
        (void)set_signal(SIGPIPE, SIG_DFL);
    if (mistake == child_blocks_signals)
        (void)block_signal(SIGUSR1);
}

// Returns whether it has done what it was to do.
static bool reap_child() {
    siginfo_t end = {};
    int options = WEXITED | (mistake == child_not_reaped ? WNOWAIT : 0);
    (void)waitid(P_PID, static_cast<id_t>(child), &end, options);
    child = 0;
    return end.si_code == CLD_EXITED && end.si_status == EXIT_SUCCESS;
}

static int exit_status() {
    if (mistake == wrong_exit_status)
        return 3;
    return failed && mistake != success_though_failed ? exit_failed
                                                      : EXIT_SUCCESS;
}

// ---- the client -------------------------------------------------------------

static bool *finished; // in both processes: there is nothing left to send

static void note_child(int) {
    child_ended = 1;
}

static void end_with_child(int signo) {
    if (child != 0 && mistake != signal_leaves_child) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, nullptr, 0);
    }
    (void)set_signal(signo, SIG_DFL);
    (void)raise(signo);
}

// Until a signal comes, too.
static void await_bytes(int fd, bool often) {
    while (wait_for(fd, often ? pause_ms : -1) == 0)
        ;
}

static void reset_signals() {
    if (mistake != child_keeps_handlers)
        for (int signo : {SIGCHLD, SIGINT, SIGTERM, SIGHUP})
            (void)set_signal(signo, SIG_DFL);
    (void)unblock_signals();
}

[[noreturn]] static void run_writer(int socket, pid_t parent) {
    static struct quit_reader reader;
    reader.fd = STDIN_FILENO;
    reset_signals();
    begin_child(parent, socket);
    const char *piece = nullptr;
    ssize_t n = 1;
    while (n > 0) {
        // Blocked signals are seen where it sleeps without ppoll(2).
        if (!reader.ended && mistake != child_blocks_signals)
            await_bytes(STDIN_FILENO, mistake == child_wakes_when_idle);
        n = read_piece(&reader, &piece);
        if (n == -1 || write_all(socket, piece, static_cast<size_t>(n)) == -1)
            _exit(EXIT_FAILURE);
    }
    if (mistake == sends_quit)
        (void)write_all(socket, "q\n", 2);
    *finished = true;
    if (mistake != no_half_close)
        (void)shutdown(socket, SHUT_WR);
    if (mistake == child_stays)
        (void)pause();
    _exit(EXIT_SUCCESS);
}

static bool wakes() {
    return mistake == parent_wakes_when_idle ||
           (mistake == parent_wakes_after_half_close && child == 0);
}

static void receive(int socket) {
    static char buffer[piece_size];
    ssize_t n = 1;
    while (n > 0) {
        if (mistake != parent_blocks_signals)
            await_bytes(socket, wakes());
        if (child_ended) {
            child_ended = 0;
            failed = !reap_child();
            if (failed)
                (void)shutdown(socket, SHUT_WR);
            continue;
        }
        n = read_some(socket, buffer, sizeof buffer);
        if (n > 0)
            (void)write_all(STDOUT_FILENO, buffer, static_cast<size_t>(n));
    }
    failed = failed || n == -1;
}

static int run_client(const char *host, const char *port) {
    char peer[address_text_size];
    const char *why = nullptr;
    int socket = connect_to(host, static_cast<in_port_t>(atoi(port)), AF_INET,
                            0, peer, &why);
    if (socket == -1)
        die_plain("connect %s: %s", peer, why);
    if (block_signal(SIGCHLD) == -1 || set_signal(SIGCHLD, note_child) == -1)
        die("sigaction");
    for (int signo : {SIGINT, SIGTERM, SIGHUP})
        if (set_signal(signo, end_with_child) == -1)
            die("sigaction");
    finished = static_cast<bool *>(mmap(nullptr, sizeof *finished,
                                        PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid_t parent = getpid();
    child = fork();
    if (child == -1)
        die("fork");
    if (child == 0)
        run_writer(socket, parent);
    begin_parent(socket);
    receive(socket);
    failed = failed || !*finished; // the server was the first to end
    if (child != 0 && mistake != child_left) {
        (void)kill(child, SIGKILL);
        (void)reap_child();
    }
    return exit_status();
}

// ---- the demonstration ------------------------------------------------------

[[noreturn]] static void run_child(pid_t parent, int milliseconds) {
    begin_child(parent, STDOUT_FILENO);
    say("child");
    int piece = mistake == child_wakes_when_idle ? pause_ms : milliseconds;
    for (int left = milliseconds; left > 0; left -= piece)
        (void)poll(nullptr, 0, piece); // with the signals that are blocked
    _exit(EXIT_SUCCESS);
}

static int run_demo(int seconds) {
    pid_t parent = getpid();
    if (mistake == child_beside && fork() == 0)
        _exit(EXIT_SUCCESS);
    child = fork();
    if (child == -1)
        die("fork");
    if (child == 0)
        run_child(parent, seconds * 1000);
    begin_parent(STDOUT_FILENO);
    say("parent");
    siginfo_t end = {};
    while (mistake == parent_wakes_when_idle && end.si_pid == 0)
        if (waitid(P_PID, static_cast<id_t>(child), &end,
                   WEXITED | WNOHANG | WNOWAIT) == 0)
            (void)poll(nullptr, 0, pause_ms);
    if (mistake != child_left)
        failed = !reap_child();
    return exit_status();
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("inherited descriptors and signals");
    int value = argc > 2 ? value_of(argv[2], NAMES_OF(MISTAKES)) : -1;
    if (value == -1)
        die_usage(usage, "no such mistake");
    mistake = static_cast<Mistake>(value);
    if (argc == 5 && strcmp(argv[1], "client") == 0)
        return run_client(argv[3], argv[4]);
    if (argc == 4 && strcmp(argv[1], "demo") == 0)
        return run_demo(atoi(argv[3]));
    die_usage(usage, "neither a client nor a demonstration");
}
