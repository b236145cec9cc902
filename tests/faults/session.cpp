// SPDX-License-Identifier: MIT
// session - what the sessions share.
#include <csignal>
#include <map>
#include <set>
#include <utility>

#include "faults/session.h"
#include "lifelines/record.h"
#include "support/waiting.h"

StartOptions stopped() {
    return {.in_child = [] { raise(SIGSTOP); }};
}

static Words command_of(const Subject &subject, const Words &more) {
    Words words = words_of(subject.words);
    words[0] = program(words[0]);
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

Session::Session(const Scenario &of, const StartOptions &start,
                 const Words &more)
    : scenario(of), process(command_of(*of.subject, more), start),
      pid(process.pid()) {
}

void Session::begin() {
    (void)eventually([&] { return process_state(pid) == "T"; });
    if (scenario.target != Target::child)
        attach(pid);
    process.signal(SIGCONT);
}

void Session::attach(pid_t to) {
    tracer.emplace(to, scenario.fault, scenario.target == Target::family);
}

void Session::check(bool good, Invariant invariant, const std::string &what) {
    if (!good)
        findings.push_back({invariant, what});
}

int Session::left_out(pid_t of, const std::string &call,
                      const std::string &first) const {
    int count = 0;
    for (const TracedCall &made : tracer->calls())
        count += made.injected && (of == 0 || made.pid == of) &&
                 made.name == call &&
                 (first.empty() || argument(made.arguments, 0) == first);
    return count;
}

bool Session::told_to_end() const {
    return scenario.fault.effect == "signal=SIGTERM";
}

void Session::check_message() {
    (void)process.errors_have(scenario.says);
    bool told = process.errors.find(": ") != std::string::npos &&
                process.errors.find(scenario.says) != std::string::npos;
    // The message is itself a write, which may have failed.
    check(told || left_out(pid, "write", "2") > 0, Invariant::exit_status,
          "no message of '" + std::string(scenario.says) +
              "': " + process.errors);
}

void Session::check_status(int status, bool may_die) {
    bool may_succeed = scenario.reaction != Reaction::stops || !tracer->met();
    bool may_fail = scenario.reaction == Reaction::stops ||
                    scenario.reaction == Reaction::ends;
    std::set<int> statuses;
    if (may_succeed)
        statuses.insert(0);
    if (may_fail)
        statuses.insert(1);
    if (may_die && told_to_end())
        statuses.insert(128 + SIGTERM);
    judge_status(findings, process, "it", status, statuses);
    if (status == 1)
        check_message();
}

// A handler that only sets a flag makes no call before it returns, unlike the
// client's for SIGTERM, which terminates its writer, or one that sets an alarm.
void Session::check_handlers() {
    bool ends_writer =
        words_of(scenario.subject->words)[0] == "echo_mpclient" &&
        told_to_end();
    std::map<pid_t, std::string> before;
    for (const TracedCall &call : tracer->calls()) {
        check(!call.name.ends_with("sigreturn") || call.signalled ||
                  ends_writer || before[call.pid] == "alarm",
              Invariant::dispositions, "a handler makes a system call");
        before[call.pid] = call.name;
    }
}

// Linux closes a descriptor even when close(2) fails, and may reuse its number:
// a second close would close the new one. A close that strace suppresses leaves
// the number in use, so a second close here can only be that mistake.
void Session::check_closes() {
    std::set<std::pair<pid_t, int>> left_open;
    for (const TracedCall &call : tracer->calls()) {
        if (call.name != "close")
            continue;
        std::pair<pid_t, int> closed(call.pid, std::stoi(call.arguments));
        check(!left_open.contains(closed), Invariant::parent_descriptors,
              "descriptor " + std::to_string(closed.second) +
                  " is closed twice");
        if (call.injected)
            left_open.insert(closed);
    }
}

Outcome Session::outcome() {
    tracer->lift();
    check_handlers();
    check_closes();
    return {findings, tracer->met(), pid, tracer->calls()};
}
