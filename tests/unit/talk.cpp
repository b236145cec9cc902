// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <ctime>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <list>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ending.h"
#include "client/talk.h"
#include "common/signals.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/waiting.h"
#include "support/wrap.h"

// The writer's half-close is wrapped: the writer stops before it if STOPS is 1,
// also after it if 2, until continued; the call then fails if FAILED is set.
static struct {
    int stops;
    bool failed;
    pid_t test; // half-closes too
} half_close;

// Each wait with a timeout, all of them the receiver's, calls the next of these
// first. It then times out, or, if that returned false, waits.
static std::list<std::function<bool()>> while_it_waits;

// How far the clock of this process and its writers is ahead.
static int *const seconds_ahead =
    static_cast<int *>(mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0));

WRAP(ppoll);
WRAP(clock_gettime);
WRAP(shutdown);

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *mask) {
    if (time == nullptr || while_it_waits.empty())
        return __real_ppoll(fds, count, time, mask);
    bool over = while_it_waits.front()();
    while_it_waits.pop_front();
    return over ? 0 : __real_ppoll(fds, count, time, mask);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    int result = __real_clock_gettime(clock, now);
    now->tv_sec += *seconds_ahead;
    return result;
}

int __wrap_shutdown(int socket, int how) {
    bool in_writer = getpid() != half_close.test;
    if (in_writer && half_close.stops > 0)
        raise(SIGSTOP);
    int result = __real_shutdown(socket, how);
    if (in_writer && half_close.stops > 1)
        raise(SIGSTOP);
    if (!in_writer || !half_close.failed)
        return result;
    errno = EIO;
    return -1;
}

// A fake server: a process at the other end of a socket pair.
using Peer = std::function<void(const Fd &end)>;

struct Talk {
    int result = 0;
    talk_report report = {};
    std::string failed() const {
        return report.failed == nullptr ? "" : report.failed;
    }
};

static Talk talk_about(const std::string &input, const Peer &peer,
                       bool raw = false, int timeout = 0) {
    Fd from = scratch_file(input);
    Fd to = scratch_file();
    Pipe pair = make_socket_pair();
    Process server([&] {
        pair.write_end.close();
        peer(pair.read_end);
    });
    pair.read_end.close(); // or the writer would hold that end open too
    Talk talked;
    talk_settings settings = {pair.write_end.get(), from.get(), to.get(), raw,
                              timeout};
    REQUIRE(catch_signals() == 0);
    talked.result = talk(&settings, &talked.report);
    pair.write_end.close();
    CHECK(server.wait() == 0);
    CHECK(children_of(getpid()).empty());
    return talked;
}

static void await_client_end(const Fd &end) {
    struct pollfd gone = {end.get(), 0, 0}; // reported as POLLHUP
    poll(&gone, 1, deadline_seconds * 1000);
}

TEST_CASE("missing and added bytes are noticed") {
    // Sent after the half-close: they are still awaited.
    auto answer = [](const std::string &reply) {
        return [reply](const Fd &end) {
            REQUIRE(receive_to_end(end) == "hello\n");
            send_all(end, reply);
        };
    };
    CHECK(talk_about("hello\nq\n", answer("hello\n")).result == 0);
    CHECK(talk_about("hello\nq\n", answer("hell")).result == -1);
    CHECK(talk_about("hello\nq\n", answer("hello\n\n")).result == -1);
}

// The writer is the only child of PARENT except OTHER.
static bool writer_stops(pid_t parent, pid_t other = 0) {
    return eventually([parent, other] {
        for (pid_t pid : children_of(parent))
            if (pid != other && process_state(pid) == "T")
                return true;
        return false;
    });
}

// Closes the connection when the writer has sent all and is stopped.
static void end_when_writer_stops(const Fd &end) {
    send_all(end, receive(end, 6));
    CHECK(writer_stops(half_close.test, getpid()));
}

TEST_CASE("a writer that has sent all is reaped, and its status used") {
    for (bool failed : {false, true}) {
        half_close = {1, failed, getpid()};
        Talk talked = talk_about("hello\nq\n" + std::string(1 << 20, 'x'),
                                 end_when_writer_stops);
        half_close = {};
        CHECK(talked.result == (failed ? -1 : 0));
        CHECK(talked.failed() == (failed ? "shutdown" : ""));
    }
}

TEST_CASE("Ctrl-C works while the writer is stopped") {
    Pipe pair = make_socket_pair();
    Fd from = scratch_file("q\n");
    Fd to = scratch_file();
    Process talker([&] {
        pair.read_end.close();
        signal(SIGINT, SIG_DFL);
        half_close = {2, false, getpid()};
        talk_settings settings = {pair.write_end.get(), from.get(), to.get(),
                                  false, 0};
        talk_report report = {};
        REQUIRE(catch_signals() == 0);
        talk(&settings, &report);
    });
    pair.write_end.close();
    REQUIRE(writer_stops(talker.pid()));
    finish_sending(pair.read_end);
    CHECK(receive_to_end(pair.read_end).empty()); // it was continued
    REQUIRE(writer_stops(talker.pid()));
    talker.signal(SIGINT);
    CHECK(talker.wait() == 128 + SIGINT);
    CHECK(orphans_left_by(talker.pid()) == 0);
}

TEST_CASE("input that the server does not wait for is reported") {
    auto peer = [](const Fd &end) {
        receive(end, 1000); // then nothing: the writer blocks
        finish_sending(end);
        await_client_end(end);
    };
    Talk talked = talk_about(std::string(1 << 22, 'x'), peer, true);
    CHECK(talked.result == -1);
    CHECK(talked.failed() == "the server closed the connection");
}

TEST_CASE("input that could not be sent is a failure") {
    Talk talked = talk_about(std::string(1 << 22, 'x'), [](const Fd &end) {
        receive(end, 1000); // and closes with the rest unread: a reset
    });
    CHECK(talked.result == -1);
    CHECK(talked.report.sent > 0);
}

// ---- an idle server ---------------------------------------------------------

TEST_CASE("a server that does not read times out") {
    Talk talked =
        talk_about(std::string(1 << 22, 'x'), await_client_end, true, 1);
    CHECK(talked.result == -1);
    CHECK(talked.report.error == ETIMEDOUT);
}

// A deterministic talk: what happens, happens while the receiver waits.
struct Staged {
    static constexpr int timeout = 1000; // on the simulated clock
    using Event = std::function<bool()>; // of while_it_waits

    Pipe keyboard = make_socket_pair();
    Pipe pair = make_socket_pair(); // its read_end is the server's
    Fd to = scratch_file();

    static Event pass(int seconds) {
        return [seconds] {
            *seconds_ahead += seconds;
            return true;
        };
    }
    // The server has received it on return.
    Event type(const std::string &text) {
        return [this, text] {
            send_all(keyboard.write_end, text);
            CHECK(receive(pair.read_end, text.size()) == text);
            return true;
        };
    }
    Event send(const std::string &text) {
        return [this, text] {
            send_all(pair.read_end, text);
            return false;
        };
    }
    Event hang_up = [this] {
        finish_sending(keyboard.write_end);
        return false; // SIGCHLD ends the wait
    };
    Event kill_writer = [] {
        kill(only_child_of(getpid()), SIGKILL);
        return false; // SIGCHLD ends the wait
    };
    Event reap_writer = [] {
        pid_t pid = only_child_of(getpid());
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, nullptr, 0) == pid);
        return false; // SIGCHLD ends the wait
    };
    // Another child's, perhaps one inherited over exec(3).
    Event stray_sigchld = [] {
        raise(SIGCHLD);
        return false;
    };
    Event end = [this] {
        shutdown(pair.read_end.get(), SHUT_RDWR); // for the writer's copy too
        return false;
    };

    // EXTRA: how many of EVENTS it does not wait for.
    Talk run(const std::list<Event> &events, size_t extra = 0) const {
        talk_settings settings = {pair.write_end.get(), keyboard.read_end.get(),
                                  to.get(), true, timeout};
        Talk talked;
        while_it_waits = events;
        *seconds_ahead = 0;
        REQUIRE(unblock_signals() == 0); // a pending SIGCHLD would end a wait
        REQUIRE(catch_signals() == 0);
        talked.result = talk(&settings, &talked.report);
        CHECK(talked.failed().empty() == (talked.result == 0));
        CHECK(while_it_waits.size() == extra);
        while_it_waits.clear();
        return talked;
    }
};

// The user is idle for long, and types just after the timeout. Each byte, and
// finally the close, restarts it.
TEST_CASE_FIXTURE(Staged, "the timeout starts when a server owes something") {
    Talk talked = run({pass(900), pass(900), pass(5000), type("aa"), pass(900),
                       send("a"), pass(900), send("a"), pass(5000), hang_up,
                       pass(900), stray_sigchld, end});
    CHECK(talked.report.received == 2);
    CHECK_MESSAGE(talked.result == 0, talked.failed());
}

TEST_CASE_FIXTURE(Staged, "further typing does not extend the timeout") {
    Talk talked = run({type("a"), pass(900), type("a"), pass(200), end}, 1);
    CHECK(talked.result == -1);
    CHECK(talked.failed() == "receiving");
    CHECK(talked.report.error == ETIMEDOUT);
    CHECK(talked.report.sent == 2);
    CHECK(talked.report.received == 0);
}

TEST_CASE_FIXTURE(Staged, "a server that owes only its close times out") {
    Talk talked = run({hang_up, pass(900), pass(200), end}, 1);
    CHECK(talked.failed() == "receiving");
    CHECK(talked.report.error == ETIMEDOUT);
}

TEST_CASE_FIXTURE(Staged, "a killed writer leaves the server time to close") {
    CHECK(run({pass(5000), kill_writer, pass(900), end}).failed() ==
          "the writer was killed");
}

TEST_CASE_FIXTURE(Staged, "a killed writer leaves it the timeout, no longer") {
    CHECK(run({kill_writer, pass(900), pass(200), end}, 1).failed() ==
          "the writer was killed");
}

TEST_CASE_FIXTURE(Staged, "a writer that something else reaps is a failure") {
    CHECK(run({reap_writer}).failed() == "waitpid");
}
