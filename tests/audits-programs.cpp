// SPDX-License-Identifier: MIT
// audits - what must hold of the client and of the demonstrations.
#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <list>
#include <sys/socket.h>
#include <unistd.h>

#include "audits.h"
#include "judge.h"

// ---- the client under audit -------------------------------------------------

static StartOptions reading_from(const Pipe &keyboard) {
    StartOptions options;
    options.input = keyboard.read_end.get();
    return options;
}

static std::vector<std::string> client_words(int port) {
    // By name, so that what a look-up opens would be seen.
    return {program("echo_mpclient"), "-4", "localhost", std::to_string(port)};
}

// The client between a user and a server, both of which the test is.
struct Talk {
    Talk() {
        connection =
            Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(connection.get() != -1);
        type("hello\n");
        REQUIRE(receive(connection, 6) == "hello\n");
        send_all(connection, "hello\n");
        REQUIRE(process.output_has("hello\n"));
        std::vector<pid_t> children = children_of(process.pid());
        REQUIRE(children.size() == 1);
        writer = children[0];
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
    Process process{client_words(port), reading_from(keyboard)};
    Fd connection;
    pid_t writer = -1;
};

static void judge_receiver(Findings &findings, const Talk &talk) {
    pid_t pid = talk.process.pid();
    await_sleep(pid);
    judge_connection(findings, Invariant::parent_descriptors, "the receiver",
                     pid, descriptors_of(pid), talk.port);
    judge_signals(findings, "the receiver", pid,
                  {{SIGCHLD, SIGINT, SIGTERM, SIGHUP}, {SIGPIPE, SIGXFSZ}, {}});
}

Findings audit_client() {
    Findings findings;
    Talk talk;
    pid_t pid = talk.process.pid();
    Descriptors before = descriptors_of(pid);
    judge_receiver(findings, talk);
    judge_connection(findings, Invariant::child_descriptors, "the writer",
                     talk.writer, before, talk.port);
    judge_signals(findings, "the writer", talk.writer,
                  {{}, {SIGPIPE, SIGXFSZ}, {}});
    judge_sleep(findings, {{"the receiver", pid}, {"the writer", talk.writer}});
    talk.type("q\n");
    if (!receive_to_end(talk.connection).empty())
        add_finding(findings, Invariant::echo, "it sends what is not typed");
    if (!comes_to_hold(pid, [pid] { return children_of(pid).empty(); }))
        add_finding(findings, Invariant::no_zombie, "the writer is not reaped");
    judge_receiver(findings, talk);
    judge_descriptors(findings, Invariant::parent_descriptors,
                      "after the half-close, the receiver", pid, before);
    judge_sleep(findings, {{"after the half-close, the receiver", pid}});
    talk.connection.close();
    judge_end(findings, talk.process, 0);
    judge_errors(findings, talk.process);
    return findings;
}

static const struct {
    const char *name;
    std::function<void(Talk &)> cause;
    int status;
} client_ends[] = {
    {"q",
     [](Talk &talk) {
         talk.type("q\n");
         CHECK(receive_to_end(talk.connection).empty());
         talk.connection.close();
     },
     0},
    {"end of the input",
     [](Talk &talk) {
         talk.keyboard.write_end.close();
         CHECK(receive_to_end(talk.connection).empty());
         talk.connection.close();
     },
     0},
    {"end of the server", [](Talk &talk) { talk.connection.close(); }, 0},
    {"reset", [](Talk &talk) { reset_connection(talk.connection); }, 1},
    {"end of the writer",
     [](Talk &talk) {
         REQUIRE(kill(talk.writer, SIGKILL) == 0);
         CHECK(receive_to_end(talk.connection).empty());
         talk.connection.close();
     },
     1},
    {"SIGINT", [](Talk &talk) { talk.process.signal(SIGINT); }, 128 + SIGINT},
    {"SIGTERM", [](Talk &talk) { talk.process.signal(SIGTERM); },
     128 + SIGTERM},
    {"SIGHUP", [](Talk &talk) { talk.process.signal(SIGHUP); }, 128 + SIGHUP},
};

Findings audit_client_ends() {
    Findings findings;
    for (const auto &[name, cause, status] : client_ends) {
        Talk talk;
        cause(talk);
        Findings more;
        judge_end(more, talk.process, status);
        for (Finding &finding : more)
            finding.what = std::string(name) + ": " + finding.what;
        add_findings(findings, more);
    }
    Talk talk; // SIGKILL cannot be caught: the writer has to see to itself
    talk.process.signal(SIGKILL);
    talk.process.wait();
    if (orphans_left_by(talk.process.pid()) != 1)
        add_finding(findings, Invariant::no_zombie,
                    "SIGKILL: not the writer alone is left");
    return findings;
}

// ---- the demonstrations -----------------------------------------------------

// How each is while it sleeps, for longer than the audit takes. What a parent
// does in ppoll(2) it does with nothing blocked.
static const struct Demonstration {
    std::vector<std::string> words;
    int lines; // after which it sleeps
    int children;
    const char *child_state;
    std::vector<int> caught; // by the parent and, as a copy, its children
    std::vector<int> child_blocked; // what the parent blocks but in ppoll(2)
} demonstrations[] = {
    // It never sleeps; its output, full, makes the child, and so the parent,
    // wait.
    {{"fork"}, 0, 1, "S", {}, {}},
    {{"zombie", "1000"}, 4, 1, "Z", {}, {}},
    {{"wait", "1000"}, 4, 0, "", {}, {}},
    {{"waitpid", "1000", "1000"}, 0, 1, "S", {}, {}},
    {{"signal", "1000", "1000"}, 1, 0, "", {SIGALRM, SIGINT}, {}},
    {{"sigaction", "1000", "1000"}, 1, 0, "", {SIGALRM}, {}},
    {{"remove_zombie", "1000", "1000"}, 5, 2, "S", {SIGCHLD}, {SIGCHLD}},
};

static Pipe full_pipe() {
    Pipe pipe = make_pipe();
    int fd = pipe.write_end.get();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, "x", 1) == 1)
        ;
    fcntl(fd, F_SETFL, 0);
    return pipe;
}

static std::vector<std::string> run_words(std::vector<std::string> words) {
    words[0] = program(words[0]);
    return words;
}

struct Demo {
    explicit Demo(const Demonstration &row)
        : demonstration(row),
          output(row.words[0] == "fork" ? full_pipe() : make_pipe()),
          process(run_words(row.words), writing_to(output)) {
    }
    static StartOptions writing_to(const Pipe &pipe) {
        StartOptions options;
        options.output = pipe.write_end.get();
        return options;
    }
    bool sleeps() const {
        std::vector<pid_t> children = children_of(process.pid());
        return static_cast<int>(children.size()) == demonstration.children &&
               process_state(process.pid()) == "S" &&
               std::all_of(children.begin(), children.end(), [&](pid_t child) {
                   return process_state(child) == demonstration.child_state;
               });
    }
    void await_lines() {
        std::string text;
        while (count_of("\n", text) < demonstration.lines)
            text += receive(output.read_end, 1);
    }

    const Demonstration &demonstration;
    Pipe output;
    Process process;
};

static void judge_demo(Findings &findings, const Demo &demo) {
    const Demonstration &row = demo.demonstration;
    pid_t pid = demo.process.pid();
    Descriptors parent = descriptors_of(pid);
    judge_descriptors(findings, Invariant::parent_descriptors, row.words[0],
                      pid, standard_of(parent));
    const std::vector<int> ignored = {SIGPIPE, SIGXFSZ};
    judge_signals(findings, row.words[0], pid, {row.caught, ignored, {}});
    for (pid_t child : children_of(pid)) {
        if (std::string(row.child_state) == "Z")
            continue; // it has nothing any more
        std::string who = row.words[0] + "'s child";
        judge_descriptors(findings, Invariant::child_descriptors, who, child,
                          standard_of(parent));
        judge_signals(findings, who, child,
                      {row.caught, ignored, row.child_blocked});
    }
}

// No child outlives its parent for long, even where that is killed.
static void judge_kill(Findings &findings, Demo &demo) {
    demo.process.signal(SIGKILL);
    demo.process.wait();
    demo.output.read_end.close(); // for the one that waits to write
    if (orphans_left_by(demo.process.pid()) != demo.demonstration.children)
        add_finding(findings, Invariant::no_zombie,
                    demo.demonstration.words[0] + " leaves other children");
}

Findings audit_demonstrations() {
    Findings findings;
    std::list<Demo> demos; // side by side, for they sleep
    for (const Demonstration &demonstration : demonstrations)
        demos.emplace_back(demonstration);
    std::vector<Sleeper> sleepers;
    for (Demo &demo : demos) {
        const std::string &name = demo.demonstration.words[0];
        demo.await_lines();
        REQUIRE_MESSAGE(eventually([&] { return demo.sleeps(); }), name);
        judge_demo(findings, demo);
        sleepers.push_back({name, demo.process.pid()});
        for (pid_t child : children_of(demo.process.pid()))
            sleepers.push_back({name + "'s child", child});
    }
    judge_sleep(findings, sleepers);
    for (Demo &demo : demos)
        judge_kill(findings, demo);
    return findings;
}

static const struct {
    std::vector<std::string> words;
    int zombies; // that only the end of their parent frees
} demonstration_ends[] = {
    {{"fork"}, 0},
    {{"zombie", "0"}, 1},
    {{"wait", "0"}, 0},
    {{"waitpid", "0", "1"}, 0},
    {{"signal", "1", "0"}, 0},
    {{"sigaction", "1", "0"}, 0},
    {{"remove_zombie", "0", "0"}, 0},
};

Findings audit_demonstration_ends() {
    Findings findings;
    for (const auto &[words, zombies] : demonstration_ends) {
        Process process(run_words(words));
        int status = process.wait();
        if (status != 0)
            add_finding(findings, Invariant::exit_status,
                        words[0] + " ends with " + std::to_string(status));
        int orphans = orphans_left_by(process.pid());
        if (orphans != zombies)
            add_finding(findings, Invariant::no_zombie,
                        words[0] + " leaves " + std::to_string(orphans));
        judge_errors(findings, process);
    }
    return findings;
}
