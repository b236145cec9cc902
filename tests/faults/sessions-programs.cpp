// SPDX-License-Identifier: MIT
// sessions - the client's and the demonstrations' sessions under a fault.
#include <algorithm>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <sys/socket.h>

#include "faults/session.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

// One that fails leaves its children behind.
Outcome show_session(const Scenario &scenario) {
    Session session(scenario, stopped());
    session.begin();
    int status = session.process.wait();
    session.check_status(status, true);
    std::string shown = session.process.output;
    if (scenario.subject->in_any_order) {
        std::vector<std::string> lines = lines_of(shown);
        std::ranges::sort(lines);
        shown.clear();
        for (const std::string &line : lines)
            shown += line + "\n";
    }
    session.check(status != 0 || matches(shown, scenario.subject->shows),
                  Invariant::echo, "success, and this output: " + shown);
    judge_orphans(session.findings, session.process, "it", 0,
                  status == 0 ? scenario.subject->leaves : INT_MAX);
    return session.outcome();
}

// ---- the client -------------------------------------------------------------

struct Talk {
    Talk(const Scenario &scenario, int port, const char *text)
        : session(scenario,
                  {.input = keyboard.read_end.get(),
                   .in_child = stopped().in_child},
                  {"127.0.0.1", std::to_string(port)}) {
        session.begin();
        if (scenario.target == Target::child) {
            pid_t writer = only_child_of(session.pid);
            await_sleep(writer);
            session.attach(writer);
        }
        send_all(keyboard.write_end, text);
    }
    // SHOWN is what the client prints, or a prefix of it if the client fails.
    // CUT_OFF: its diagnostic about that counts as success.
    Outcome judge(const std::string &shown, bool cut_off);

    Pipe keyboard = make_socket_pair();
    Session session;
};

Outcome Talk::judge(const std::string &shown, bool cut_off) {
    Process &process = session.process;
    int status = process.wait();
    if (cut_off) {
        session.check(status != 0, Invariant::exit_status, "it was cut off");
        if (process.errors.ends_with(": the server closed the connection\n"))
            status = 0;
    }
    session.check_status(status, true);
    session.check(process.output == shown ||
                      (status != 0 && shown.starts_with(process.output)),
                  Invariant::echo, "this output: " + process.output);
    bool could_wait = session.left_out(session.pid, "wait4") == 0;
    judge_orphans(session.findings, process, "the client", 0,
                  could_wait ? 0 : INT_MAX);
    return session.outcome();
}

Outcome talk_session(const Scenario &scenario) {
    Server server({"-q"});
    Talk talk(scenario, server.port, "one\ntwo\nq\n");
    return talk.judge("Message from server: one\n"
                      "Message from server: two\n",
                      false);
}

// Accepts the client's connection, echoes its first SIZE bytes, or fewer if it
// sends fewer, and closes.
static void echo_and_end(const Fd &listener, size_t size,
                         const std::function<bool()> &client_ended) {
    fcntl(listener.get(), F_SETFL, O_NONBLOCK);
    Fd end;
    std::string bytes(size, '\0');
    size_t filled = 0;
    (void)eventually([&] {
        if (end.get() == -1)
            end = Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ssize_t n =
            recv(end.get(), bytes.data() + filled, size - filled, MSG_DONTWAIT);
        filled += n > 0 ? static_cast<size_t>(n) : 0;
        return filled == size || n == 0 || client_ended();
    });
    (void)send(end.get(), bytes.data(), filled, MSG_NOSIGNAL);
}

Outcome cut_off_session(const Scenario &scenario) {
    int port = 0;
    Fd listener = listen_locally(&port);
    Talk talk(scenario, port, "one\n");
    echo_and_end(listener, 4, [&] { return talk.session.process.has_ended(); });
    return talk.judge("Message from server: one\n", true);
}
