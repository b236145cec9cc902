// SPDX-License-Identifier: MIT
// sessions - the client's and the demonstrations' sessions under a fault.
#include <algorithm>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <stdexcept>
#include <sys/socket.h>

#include "faults/session.h"
#include "support/server.h"
#include "support/sockets.h"
#include "support/waiting.h"

class ProgramSession : public Session {
  public:
    ProgramSession(const Scenario &scenario, StartOptions start)
        : Session(scenario), process_(scenario.words, start) {
        await_stop(process_);
        if (scenario.target == Target::child)
            return;
        attach(process_.pid());
        process_.signal(SIGCONT);
    }
    // The child is traced once it exists and sleeps.
    void attach_to_child() {
        if (scenario_.target != Target::child)
            return;
        process_.signal(SIGCONT);
        auto rests = [&] {
            std::vector<pid_t> children = children_of(process_.pid());
            return !children.empty() && process_state(children[0]) == "S";
        };
        if (!eventually(rests))
            throw std::runtime_error("it has no child that rests");
        attach(children_of(process_.pid()).front());
    }
    // SHOWN is what the client prints, or a prefix of it if the client fails.
    // CUT_OFF: its diagnostic about that counts as success.
    Outcome judge_client(const std::string &shown, bool cut_off = false) {
        int status = process_.wait();
        if (cut_off) {
            check(status != 0, Invariant::exit_status, "it was cut off");
            if (process_.errors.ends_with(
                    ": the server closed the connection\n"))
                status = 0;
        }
        check_status(process_, status, true);
        check(process_.output == shown ||
                  (status != 0 && shown.starts_with(process_.output)),
              Invariant::echo, "this output: " + process_.output);
        bool could_wait = left_out(process_.pid(), "wait4") == 0;
        judge_orphans(findings_, process_, "the client", 0,
                      could_wait ? 0 : INT_MAX);
        return outcome(process_);
    }
    // One that fails leaves its children behind.
    Outcome judge_demonstration() {
        int status = process_.wait();
        check_status(process_, status, true);
        std::vector<std::string> lines = lines_of(process_.output);
        std::ranges::sort(lines);
        std::string sorted;
        for (const std::string &line : lines)
            sorted += line + "\n";
        const std::string &shown =
            scenario_.in_any_order ? sorted : process_.output;
        check(status != 0 || matches(shown, scenario_.shows), Invariant::echo,
              "success, and this output: " + process_.output);
        judge_orphans(findings_, process_, "it", 0,
                      status == 0 ? scenario_.leaves : INT_MAX);
        return outcome(process_);
    }

    bool has_ended() {
        return process_.has_ended();
    }

  private:
    Process process_;
};

Outcome show_session(const Scenario &scenario) {
    ProgramSession session(scenario, start_stopped());
    return session.judge_demonstration();
}

static Scenario with_port(const Scenario &scenario, int port) {
    Scenario full = scenario;
    full.words.push_back("127.0.0.1");
    full.words.push_back(std::to_string(port));
    return full;
}

Outcome talk_session(const Scenario &scenario) {
    Server server({"-q"});
    Pipe keyboard = make_socket_pair();
    StartOptions start = start_stopped();
    start.input = keyboard.read_end.get();
    Scenario full = with_port(scenario, server.port);
    ProgramSession session(full, start);
    session.attach_to_child();
    send_all(keyboard.write_end, "one\ntwo\nq\n");
    return session.judge_client("Message from server: one\n"
                                "Message from server: two\n");
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
    Pipe keyboard = make_socket_pair();
    StartOptions start = start_stopped();
    start.input = keyboard.read_end.get();
    Scenario full = with_port(scenario, port);
    ProgramSession session(full, start);
    session.attach_to_child();
    send_all(keyboard.write_end, "one\n");
    echo_and_end(listener, 4, [&] { return session.has_ended(); });
    return session.judge_client("Message from server: one\n", true);
}
