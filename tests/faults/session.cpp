// SPDX-License-Identifier: MIT
// session - the base of the sessions.
#include <csignal>
#include <map>
#include <set>
#include <utility>

#include "faults/session.h"
#include "lifelines/record.h"
#include "support/waiting.h"

StartOptions start_stopped() {
    StartOptions start;
    start.in_child = [] { raise(SIGSTOP); };
    return start;
}

void await_stop(const Process &process) {
    (void)eventually([&] { return process_state(process.pid()) == "T"; });
}

void Session::check(bool good, Invariant invariant, const std::string &what) {
    if (!good)
        findings_.push_back({invariant, what});
}

void Session::attach(pid_t pid) {
    bool follow = scenario_.target == Target::family;
    tracer_.emplace(pid, scenario_.fault, follow);
}

static bool begins_with(const TracedCall &call, const std::string &first) {
    return first.empty() || argument(call.arguments, 0) == first;
}

int Session::left_out(pid_t pid, const std::string &call,
                      const std::string &first) const {
    int count = 0;
    for (const TracedCall &made : tracer_->calls())
        count += made.injected && (pid == 0 || made.pid == pid) &&
                 made.name == call && begins_with(made, first);
    return count;
}

bool Session::last_left_out(pid_t pid, const std::string &call,
                            const std::string &first) const {
    bool last = false;
    for (const TracedCall &made : tracer_->calls())
        if (made.pid == pid && made.name == call && begins_with(made, first))
            last = made.injected;
    return last;
}

bool Session::told_to_end() const {
    return scenario_.fault.effect == "signal=SIGTERM";
}

void Session::check_message(Process &process) {
    (void)process.errors_have(scenario_.says);
    bool told = process.errors.find(": ") != std::string::npos &&
                process.errors.find(scenario_.says) != std::string::npos;
    // The message is itself a write, which may have failed.
    check(told || left_out(process.pid(), "write", "2") > 0,
          Invariant::exit_status,
          "no message of '" + scenario_.says + "': " + process.errors);
}

void Session::check_status(Process &process, int status, bool may_die) {
    bool may_succeed = scenario_.reaction != Reaction::stops || !tracer_->met();
    bool may_fail = scenario_.reaction == Reaction::stops ||
                    scenario_.reaction == Reaction::ends;
    std::set<int> statuses;
    if (may_succeed)
        statuses.insert(0);
    if (may_fail)
        statuses.insert(1);
    if (may_die && told_to_end())
        statuses.insert(128 + SIGTERM);
    judge_status(findings_, process, "it", status, statuses);
    if (status == 1)
        check_message(process);
}

// A handler that only sets a flag makes no call before it returns, unlike the
// client's for SIGTERM, which terminates its writer, or one that sets an alarm.
void Session::check_handlers() {
    bool ends_writer =
        scenario_.words[0].ends_with("echo_mpclient") && told_to_end();
    std::map<pid_t, std::string> before;
    for (const TracedCall &call : tracer_->calls()) {
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
    for (const TracedCall &call : tracer_->calls()) {
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

Outcome Session::outcome(const Process &process) {
    tracer_->lift();
    check_handlers();
    check_closes();
    return {findings_, tracer_->met(), process.pid(), tracer_->calls()};
}
