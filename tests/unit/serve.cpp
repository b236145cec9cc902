// SPDX-License-Identifier: MIT
// The linker hands the loop's system calls to this file (--wrap), which lets
// some of them fail; all others are real, and so are the clients.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <initializer_list>
#include <poll.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sockets.h"
#include "server/children.h"
#include "server/events.h"
#include "server/serve.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/waiting.h"
#include "support/wrap.h"

// The first COUNT uses of a call fail with ERROR; all of them if it is
// for_ever.
struct Fault {
    int error = 0;
    int count = 0;
    int used = 0;
    int spared = 0; // so many uses succeed before the first one fails
};
constexpr int for_ever = -1;

static Fault accept_fault, fork_fault, waitpid_fault, ppoll_fault, read_fault,
    sigaction_fault;

static bool strikes(Fault &fault) {
    fault.used++;
    if (fault.used <= fault.spared)
        return false;
    if (fault.count != for_ever && fault.used > fault.spared + fault.count)
        return false;
    errno = fault.error;
    return true;
}

WRAP(accept4);
WRAP(fork);
WRAP(_Fork);
WRAP(waitpid);
WRAP(clock_gettime);
WRAP(read);
WRAP(sigaction);
WRAP(ppoll);

// The server stops itself before its second client: what happens then, happens
// between two waits.
static bool stops_in_accept;

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size,
                   int flags) {
    static int clients;
    if (stops_in_accept && clients++ == 1)
        (void)raise(SIGSTOP);
    return strikes(accept_fault) ? -1
                                 : __real_accept4(fd, address, size, flags);
}

static bool inside; // serve()
static int clients_per_address;

// A build has the one or the other; none but the server's own are to fail.
pid_t __wrap_fork() {
    return inside && strikes(fork_fault) ? -1 : __real_fork();
}

pid_t __wrap__Fork() {
    return inside && strikes(fork_fault) ? -1 : __real__Fork();
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options) {
    return inside && strikes(waitpid_fault)
               ? -1
               : __real_waitpid(pid, status, options);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *mask) {
    return inside && strikes(ppoll_fault)
               ? -1
               : __real_ppoll(fds, count, time, mask);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    return inside && strikes(read_fault) ? -1 : __real_read(fd, buffer, size);
}

int __wrap_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before) {
    return inside && strikes(sigaction_fault)
               ? -1
               : __real_sigaction(signo, action, before);
}

// From the READINGS_TO_JUMP-th reading on the clock is an hour ahead, as after
// a stop at just that place. 0: never.
static int readings_to_jump;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    int result = __real_clock_gettime(clock, now);
    if (inside && readings_to_jump > 0 && fork_fault.used > 0) {
        if (readings_to_jump == 1)
            now->tv_sec += 3600;
        else
            readings_to_jump--;
    }
    return result;
}

static double seconds_now() {
    struct timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) +
           static_cast<double>(now.tv_nsec) / 1e9;
}

static std::set<int> open_descriptors() {
    std::set<int> open;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            open.insert(fd);
    return open;
}

// serve() in a process of its own, which prints at the end how often the
// faulty call was used, and how long it all took.
class ServeProcess : public Process {
  public:
    ServeProcess(const Fd &listener, int limit)
        : Process([&listener, limit] { body(listener.get(), limit); }) {
        REQUIRE(output_has("ready\n")); // signals are safe to send
    }

  private:
    static void body(int listener, int limit) {
        children table = {};
        serve_settings settings = {listener, clients_per_address, 5, false,
                                   nullptr};
        if (children_open(&table, limit) == -1 || serve_signals() == -1)
            _exit(99);
        (void)log_open();
        log_line("ready");
        double start = seconds_now();
        std::set<int> expected = open_descriptors();
        expected.erase(listener);
        inside = true;
        int result = serve(&settings, &table);
        inside = false;
        if (open_descriptors() != expected)
            _exit(98);
        dprintf(STDOUT_FILENO, "uses %d seconds %f\n",
                accept_fault.used + fork_fault.used + ppoll_fault.used,
                seconds_now() - start);
        children_close(&table);
        _exit(result == 0 ? 0 : 1);
    }
};

struct ServeFixture {
    ServeFixture() {
        accept_fault = fork_fault = waitpid_fault = ppoll_fault = {};
        read_fault = sigaction_fault = {};
        listener = listen_locally(&port);
        REQUIRE(fcntl(listener.get(), F_SETFL, O_NONBLOCK) == 0);
    }
    int port = 0;
    Fd listener;
};

TEST_CASE_FIXTURE(ServeFixture, "an error of one connection is passed over") {
    for (int error :
         {EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
          EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM, EAGAIN, ETIMEDOUT}) {
        accept_fault = {error, 1};
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        client.close();
        CHECK(server.output_has("removed proc id"));
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        CHECK(server.errors.empty());
    }
}

// What SERVER, which has ended, has printed of itself.
static void read_uses(const Process &server, int *uses, double *seconds) {
    size_t at = server.output.find("uses ");
    REQUIRE(at != server.output.npos);
    REQUIRE(sscanf(server.output.c_str() + at, "uses %d seconds %lf", uses,
                   seconds) == 2);
}

// At least one complaint, and at most one a second.
static void check_complaints(const Process &server, const char *complaint) {
    int uses = 0;
    double seconds = 0;
    read_uses(server, &uses, &seconds);
    int count = count_of(complaint, server.errors);
    CHECK(count >= 1);
    CHECK(count <= 1 + seconds);
}

TEST_CASE_FIXTURE(ServeFixture, "what runs out is told and waited for") {
    for (int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
        accept_fault = {error, 3};
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        server.signal(SIGTERM);
        client.close();
        CHECK(server.wait() == 0);
        check_complaints(server, "accept: ");
    }
}

// A slow machine makes fewer uses of a call in a second, never more.
static void check_no_spin(Process &server, const char *complaint) {
    CHECK(server.errors_have(complaint, 3)); // that is two seconds of fault
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    int uses = 0;
    double seconds = 0;
    read_uses(server, &uses, &seconds);
    CHECK(uses < 50 * seconds);
}

TEST_CASE_FIXTURE(ServeFixture, "no error of accept makes it spin") {
    for (int error : {EMFILE, EPERM}) {
        accept_fault = {error, for_ever};
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        check_no_spin(server, "accept: ");
    }
}

TEST_CASE_FIXTURE(ServeFixture, "a broken listener ends it with a message") {
    for (int error : {EBADF, EINVAL, ENOTSOCK}) {
        accept_fault = {error, for_ever};
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        CHECK(server.wait() == 1);
        CHECK(count_of("accept: ", server.errors) == 1);
        CHECK(count_of("served 0, live 0", server.output) == 1);
    }
}

TEST_CASE_FIXTURE(ServeFixture, "a client whose fork fails is kept") {
    for (int error : {EAGAIN, ENOMEM}) {
        fork_fault = {error, 3};
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        client.close();
        CHECK(server.output_has("(client disconnected)"));
        auto held = descriptors_of(server.pid());
        CHECK(echoes(dial(port), "hello"));
        CHECK(server.output_has("(client disconnected)", 2));
        CHECK(descriptors_of(server.pid()) == held);
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        CHECK(count_of("fork failures 3", server.output) == 1);
        check_complaints(server, "fork: ");
    }
}

TEST_CASE_FIXTURE(ServeFixture, "a pause that is over at once is no pause") {
    for (int reading = 1; reading < 8; reading++) {
        fork_fault = {EAGAIN, 1};
        readings_to_jump = reading;
        ServeProcess server(listener, 4);
        CHECK(echoes(dial(port), "hello"));
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        readings_to_jump = 0;
    }
}

TEST_CASE_FIXTURE(ServeFixture, "a fork that always fails makes it not spin") {
    fork_fault = {EAGAIN, for_ever};
    ServeProcess server(listener, 4);
    Fd client = dial(port);
    Fd next = dial(port); // stays in the backlog
    check_no_spin(server, "fork: ");
}

TEST_CASE_FIXTURE(ServeFixture, "a waitpid that fails is tried again") {
    for (int error : {ECHILD, EINTR, ENOMEM}) {
        waitpid_fault = {error, 3};
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        client.close();
        CHECK(server.output_has("(client disconnected)"));
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        CHECK(count_of("live 0", server.output) == 1);
    }
}

TEST_CASE_FIXTURE(ServeFixture,
                  "children that nobody can reap do not stop it") {
    waitpid_fault = {ECHILD, for_ever};
    ServeProcess server(listener, 4);
    CHECK(echoes(dial(port), "one"));
    CHECK(server.errors_have("waitpid: "));
    CHECK(echoes(dial(port), "two"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 1);
    CHECK(count_of("served 2, live 2", server.output) == 1);
}

TEST_CASE("signals that cannot be noted are told to the caller") {
    for (int good = 0; good < 11; good++) {
        sigaction_fault = {EPERM, 1, 0, good};
        Run child = run_in_child([] {
            (void)signal(SIGINT, SIG_DFL); // else no handler is set for them
            (void)signal(SIGHUP, SIG_DFL);
            inside = true;
            _exit(serve_signals() == -1 && errno == EPERM ? 0 : 1);
        });
        sigaction_fault = {};
        CHECK_MESSAGE(child.status == 0, "calls that succeed: ", good);
    }
}

// A client of SERVER has its end without a byte, and the parent the reason.
static void check_failed_child(const Fd &listener, int port) {
    ServeProcess server(listener, 4);
    Fd client = dial(port);
    send_all(client, "hello");
    CHECK(server.output_has("(exited 3)\n"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(count_of("served 1, live 0", server.output) == 1);
}

TEST_CASE_FIXTURE(ServeFixture, "a child that cannot read ends, and is told") {
    read_fault = {EIO, for_ever};
    check_failed_child(listener, port);
}

TEST_CASE_FIXTURE(ServeFixture, "a ppoll that fails is told, and not spun on") {
    for (int error : {EINTR, EIO}) {
        ppoll_fault = {error, 25}; // more than two seconds of them
        ServeProcess server(listener, 4);
        Fd client = dial(port);
        CHECK(echoes(client, "hello"));
        client.close();
        check_no_spin(server, "ppoll: ");
    }
}

TEST_CASE_FIXTURE(ServeFixture, "signals get in where ppoll always fails") {
    ppoll_fault = {EIO, for_ever};
    ServeProcess server(listener, 4);
    server.signal(SIGUSR1);
    CHECK(server.output_has("served 0, live 0"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
}

static void stop(const ServeProcess &server) {
    server.signal(SIGSTOP);
    CHECK(eventually([&] { return process_state(server.pid()) == "T"; }));
}

TEST_CASE_FIXTURE(ServeFixture, "another server's client is no error") {
    accept_fault = {EAGAIN, 50};
    ServeProcess server(listener, 4);
    CHECK(echoes(dial(port), "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.errors.empty());
}

// SERVER is told to end while COUNT clients wait in its backlog.
static std::vector<Fd> end_with_backlog(const ServeProcess &server, int port,
                                        int count) {
    stop(server);
    std::vector<Fd> clients;
    for (int i = 0; i < count; i++)
        clients.push_back(dial(port));
    server.signal(SIGTERM);
    server.signal(SIGCONT);
    return clients;
}

TEST_CASE_FIXTURE(ServeFixture, "a drain begins with the backlog") {
    ServeProcess server(listener, 4);
    listener.close(); // the test's own
    std::vector<Fd> clients = end_with_backlog(server, port, 4);
    for (const Fd &client : clients)
        CHECK(echoes(client, "hello"));
    CHECK(eventually([this] { return !is_listening(port); }));
    clients.clear();
    CHECK(server.wait() == 0);
    CHECK(count_of("served 4, live 0", server.output) == 1);
}

TEST_CASE_FIXTURE(ServeFixture, "a long backlog does not keep a drain open") {
    ServeProcess server(listener, 10);
    listener.close(); // the test's own
    std::vector<Fd> clients = end_with_backlog(server, port, 100);
    CHECK(eventually([this] { return !is_listening(port); }));
    clients.clear();
    CHECK(server.wait() == 0);
    CHECK(count_of("new client connected", server.output) == 10);
    CHECK(count_of("removed proc id", server.output) == 10);
}

TEST_CASE_FIXTURE(
    ServeFixture,
    "children that have ended are reaped before a client is refused") {
    clients_per_address = 1;
    stops_in_accept = true;
    ServeProcess server(listener, 4);
    clients_per_address = 0;
    stops_in_accept = false;
    Fd first = dial(port);
    CHECK(echoes(first, "hello"));
    pid_t child = children_of(server.pid()).front();
    Fd second = dial(port);
    CHECK(eventually([&] { return process_state(server.pid()) == "T"; }));
    first.close();
    CHECK(eventually([child] { return process_state(child) == "Z"; }));
    server.signal(SIGCONT);
    CHECK(echoes(second, "hello"));
    CHECK(receive_to_end(dial(port)).empty()); // this one is one too many
    server.signal(SIGTERM);
    second.close();
    CHECK(server.wait() == 0);
    CHECK(count_of("served 2, live 0, refused 1", server.output) == 1);
}

// Lets the CLIENTS of SERVER go while it is stopped, so that their ends are
// there at once, and waits until it has reaped them.
static void let_go(ServeProcess &server, std::vector<Fd> &clients) {
    std::vector<pid_t> pids = children_of(server.pid());
    CHECK(pids.size() == clients.size());
    stop(server);
    clients.clear();
    for (pid_t pid : pids)
        CHECK(eventually([&] { return process_state(pid) == "Z"; }));
    server.signal(SIGCONT);
    CHECK(eventually([&] { return children_of(server.pid()).empty(); }));
}

static std::vector<Fd> echoing_clients(int port, int count) {
    std::vector<Fd> clients;
    for (int i = 0; i < count; i++) {
        clients.push_back(dial(port));
        CHECK(echoes(clients.back(), "hello"));
    }
    return clients;
}

TEST_CASE_FIXTURE(ServeFixture, "however many end at once, all are reaped") {
    for (int count : {1, 3, 4, 5, 9, 100}) {
        CAPTURE(count);
        ServeProcess server(listener, 200);
        std::vector<Fd> clients = echoing_clients(port, count);
        let_go(server, clients);
        CHECK(server.output_has("(client disconnected)", count));
        server.signal(SIGTERM);
        CHECK(server.wait() == 0);
        CHECK(count_of("removed proc id", server.output) == count);
    }
}

TEST_CASE_FIXTURE(ServeFixture, "a place that is free again is taken at once") {
    ServeProcess server(listener, 1);
    // Each has its turn when the one before has been reaped; a SIGCHLD that is
    // held for ever would leave the second one waiting.
    for (int i = 0; i < 50; i++)
        CHECK(echoes(dial(port), "hello"));
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(count_of("removed proc id", server.output) == 50);
}
