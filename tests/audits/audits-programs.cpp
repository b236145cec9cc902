// SPDX-License-Identifier: MIT
// audits - what must hold of the client and the demonstrations.
#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <list>
#include <sys/socket.h>
#include <unistd.h>

#include "audits/audits.h"
#include "support/judge.h"
#include "support/sockets.h"

// ---- the client under audit -------------------------------------------------

static Words with_server(Words client, int port) {
    // By name, so that a descriptor left open by name resolution is seen.
    client.insert(client.end(), {"localhost", std::to_string(port)});
    return client;
}

// The client; the test is both its user and its server.
struct Talk {
    explicit Talk(const Words &client)
        : process(with_server(client, port),
                  {.input = keyboard.read_end.get()}) {
        connection =
            Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(connection.get() != -1);
        type("hello\n");
        REQUIRE(receive(connection, 6) == "hello\n");
        send_all(connection, "hello\n");
        REQUIRE(process.output_has("hello\n"));
        writer = only_child_of(process.pid());
        await_sleep(writer);
        await_sleep(process.pid());
    }
    void type(std::string_view text) const {
        REQUIRE(write(keyboard.write_end.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }

    int port = 0;
    Fd listener = listen_locally(&port);
    Pipe keyboard = make_pipe();
    Process process;
    Fd connection;
    pid_t writer = -1;
};

static void judge_receiver(Findings &findings, const Talk &talk) {
    pid_t pid = talk.process.pid();
    await_sleep(pid);
    judge_connection(findings, Invariant::parent_descriptors, "the receiver",
                     descriptors_of(pid), descriptors_of(pid), {talk.port});
    judge_signals(findings, "the receiver", pid,
                  {{SIGCHLD, SIGINT, SIGTERM, SIGHUP}, {SIGPIPE, SIGXFSZ}, {}});
}

// Q or end of file on its input has told it to finish.
static void judge_half_close(Findings &findings, const Talk &talk) {
    std::string more;
    bool closed = comes_to_hold(talk.process.pid(), [&] {
        char buffer[4096];
        ssize_t n = 0;
        while ((n = recv(talk.connection.get(), buffer, sizeof buffer,
                         MSG_DONTWAIT)) > 0)
            more.append(buffer, static_cast<size_t>(n));
        return n == 0;
    });
    if (!closed)
        add_finding(findings, Invariant::echo, "it does not half-close");
    if (!more.empty())
        add_finding(findings, Invariant::echo,
                    "it sends what is not typed: " + more);
}

// Descriptors, signals and sleep of receiver and writer, while the user types
// nothing and after the half-close.
static Findings audit_client(const Words &client) {
    Findings findings;
    Talk talk(client);
    pid_t pid = talk.process.pid();
    Descriptors before = descriptors_of(pid);
    judge_receiver(findings, talk);
    judge_connection(findings, Invariant::child_descriptors, "the writer",
                     descriptors_of(talk.writer), before, {talk.port});
    judge_signals(findings, "the writer", talk.writer,
                  {{}, {SIGPIPE, SIGXFSZ}, {}});
    judge_sleep(findings, {{"the receiver", pid}, {"the writer", talk.writer}});
    talk.type("q\n");
    judge_half_close(findings, talk);
    if (!comes_to_hold(pid, [pid] { return children_of(pid).empty(); }))
        add_finding(findings, Invariant::no_zombie, "the writer is not reaped");
    judge_receiver(findings, talk);
    judge_descriptors(findings, Invariant::parent_descriptors,
                      "after the half-close, the receiver", descriptors_of(pid),
                      before);
    judge_sleep(findings, {{"after the half-close, the receiver", pid}});
    talk.connection.close();
    judge_end(findings, talk.process, 0);
    judge_errors(findings, talk.process);
    return findings;
}

// How the client may end, other than by q, and its status then.
static const struct {
    std::function<void(Findings &, Talk &)> cause;
    int status;
} client_ends[] = {
    {[](Findings &findings, Talk &talk) {
         talk.keyboard.write_end.close();
         judge_half_close(findings, talk);
         talk.connection.close();
     },
     0},
    {[](Findings &, Talk &talk) { talk.connection.close(); }, 1},
    {[](Findings &, Talk &talk) { reset_connection(talk.connection); }, 1},
    {[](Findings &findings, Talk &talk) {
         REQUIRE(kill(talk.writer, SIGKILL) == 0);
         judge_half_close(findings, talk);
         talk.connection.close();
     },
     1},
};

// Each way to terminate: the exit status, and no process left.
static Findings audit_client_ends(const Words &client) {
    Findings findings;
    for (const auto &[cause, status] : client_ends) {
        Talk talk(client);
        cause(findings, talk);
        judge_end(findings, talk.process, status);
    }
    for (int signo : {SIGINT, SIGTERM, SIGHUP}) {
        Talk talk(client);
        talk.process.signal(signo);
        judge_end(findings, talk.process, 128 + signo);
    }
    Talk talk(client); // SIGKILL cannot be caught
    talk.process.signal(SIGKILL);
    talk.process.wait();
    judge_orphans(findings, talk.process, "the client", 1, 1);
    return findings;
}

// ---- the demonstrations -----------------------------------------------------

static Pipe full_pipe() {
    Pipe pipe = make_pipe();
    int fd = pipe.write_end.get();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, "x", 1) == 1)
        ;
    fcntl(fd, F_SETFL, 0);
    return pipe;
}

static std::string name_of(const Words &words) {
    return words[0].substr(words[0].rfind('/') + 1);
}

// A demonstration while it sleeps, which lasts longer than the audit. A parent
// blocks no signal in ppoll(2).
struct Demonstration {
    Words words; // path and arguments
    int lines;   // after which it sleeps
    int children;
    std::string child_state;  // "" without a child
    std::vector<int> caught;  // by the parent and, as a copy, its children
    bool output_full = false; // makes one sleep that otherwise never would
};

// Once it has printed its lines.
struct Demo : Demonstration {
    explicit Demo(const Demonstration &row)
        : Demonstration(row), name(name_of(words)),
          full(output_full ? full_pipe() : Pipe()),
          process(words, {.output = full.write_end.get()}), pid(process.pid()) {
        full.write_end.close();
        if (lines > 0)
            REQUIRE(process.output_has("\n", lines));
    }
    bool sleeps() const {
        std::vector<pid_t> all = children_of(pid);
        return static_cast<int>(all.size()) == children &&
               process_state(pid) == "S" &&
               std::ranges::all_of(all, [&](pid_t child) {
                   return process_state(child) == child_state;
               });
    }

    std::string name; // in findings
    Pipe full;
    Process process;
    pid_t pid;
};

static void judge_process(Findings &findings, const Demo &demo,
                          Invariant invariant, const std::string &who,
                          pid_t pid) {
    judge_descriptors(findings, invariant, who, descriptors_of(pid),
                      standard_of(descriptors_of(demo.pid)));
    judge_signals(findings, who, pid, {demo.caught, {SIGPIPE, SIGXFSZ}, {}});
}

// Descriptors, signals and state of parents and children while they sleep; and
// no child outlives a killed parent for long.
static Findings
audit_demonstrations(const std::vector<Demonstration> &demonstrations) {
    Findings findings;
    std::list<Demo> demos; // all at once, because they sleep
    for (const Demonstration &demonstration : demonstrations)
        demos.emplace_back(demonstration);
    std::vector<Sleeper> sleepers;
    for (const Demo &demo : demos) {
        if (!comes_to_hold(demo.pid, [&] { return demo.sleeps(); }))
            add_finding(findings, Invariant::no_zombie,
                        demo.name + " or a child of it is in another state");
        judge_process(findings, demo, Invariant::parent_descriptors, demo.name,
                      demo.pid);
        sleepers.push_back({demo.name, demo.pid});
        for (pid_t child : children_of(demo.pid)) {
            std::string who = demo.name + "'s child";
            if (process_state(child) != "Z") // which holds nothing any more
                judge_process(findings, demo, Invariant::child_descriptors, who,
                              child);
            sleepers.push_back({who, child});
        }
    }
    judge_sleep(findings, sleepers);
    for (Demo &demo : demos) {
        demo.process.signal(SIGKILL);
        demo.process.wait();
        demo.full.read_end.close(); // wakes one that waits to write
        judge_orphans(findings, demo.process, demo.name, demo.children,
                      demo.children);
    }
    return findings;
}

// ---- the audits -------------------------------------------------------------

static Words client(const std::string &mistake) {
    return {mistake.empty() ? program("echo_mpclient") : test_program(mistake),
            "-4"};
}

static std::vector<Demonstration> sleeping(const std::string &mistake) {
    if (!mistake.empty())
        return {{{test_program(mistake), "1000", "1000"}, 0, 1, "S", {}}};
    return {
        {{program("fork")}, 0, 1, "S", {}, true},
        {{program("zombie"), "1000"}, 4, 1, "Z", {}},
        {{program("wait"), "1000"}, 4, 0, "", {}},
        {{program("waitpid"), "1000", "1000"}, 0, 1, "S", {}},
        {{program("signal"), "1000", "1000"}, 1, 0, "", {SIGALRM, SIGINT}},
        {{program("sigaction"), "1000", "1000"}, 1, 0, "", {SIGALRM}},
        {{program("remove_zombie"), "1000", "1000"}, 5, 2, "S", {SIGCHLD}},
    };
}

using enum Invariant;

// Where two are expected, one follows from the other: a zombie that the client
// never reaps outlives it, as does a writer that it leaves, even when it is
// killed; while SIGCHLD is blocked, it does not notice the writer's end.
const std::vector<Audit> program_audits = {
    {"the client holds one connection, and sleeps while nobody types",
     [](const std::string &mistake) { return audit_client(client(mistake)); },
     {{"client-complains", {lines}},
      {"no-half-close", {echo}},
      {"receiver-blocks-signals", {dispositions, no_zombie}},
      {"receiver-keeps-a-descriptor", {parent_descriptors}},
      {"receiver-wakes-after-the-half-close", {idle}},
      {"receiver-wakes-when-idle", {idle}},
      {"sends-the-quitting-line", {echo}},
      {"writer-keeps-a-descriptor", {child_descriptors}},
      {"writer-keeps-the-handlers", {dispositions}},
      {"writer-not-reaped", {no_zombie, drain}},
      {"writer-stays", {no_zombie}},
      {"writer-wakes-when-idle", {idle}},
      {"wrong-status-of-the-client", {exit_status}}}},
    {"however the client ends, no process is left",
     [](const std::string &mistake) {
         return audit_client_ends(client(mistake));
     },
     {{"no-half-close", {echo}},
      {"signal-leaves-the-writer", {drain}},
      {"success-though-it-failed", {exit_status}},
      {"writer-left", {no_zombie, drain}},
      {"writer-not-reaped", {drain}},
      {"writer-outlives-its-parent", {no_zombie}},
      {"wrong-status-of-the-client", {exit_status}}}},
    {"the demonstrations hold nothing but their output while they sleep",
     [](const std::string &mistake) {
         return audit_demonstrations(sleeping(mistake));
     },
     {{"child-beside", {no_zombie}},
      {"sleeping-child-blocks-signals", {dispositions}},
      {"sleeping-child-keeps-a-descriptor", {child_descriptors}},
      {"sleeping-child-outlives-its-parent", {no_zombie}},
      {"sleeping-child-wakes", {idle}},
      {"sleeping-parent-blocks-signals", {dispositions}},
      {"sleeping-parent-keeps-a-descriptor", {parent_descriptors}},
      {"sleeping-parent-wakes", {idle}}}},
};
