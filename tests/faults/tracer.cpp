// SPDX-License-Identifier: MIT
// tracer - strace(1) on a running process.
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <sstream>
#include <sys/mman.h>
#include <unistd.h>

#include "faults/tracer.h"
#include "lifelines/record.h"
#include "support/proc.h"
#include "support/waiting.h"

std::string text_of(const Fault &fault) {
    if (fault.call.empty())
        return "no fault";
    return fault.call + ":" + fault.effect +
           ":when=" + std::to_string(fault.nth) + (fault.for_ever ? "+" : "");
}

static std::string strace_path() {
    const char *path = getenv("ECHO_MP_STRACE");
    return path == nullptr ? "" : path;
}

static std::vector<std::string> strace_words(pid_t pid, const Fault &fault,
                                             bool follow, const Fd &record) {
    // strace must open the file by name, and this is its only one.
    std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" +
                       std::to_string(record.get());
    std::vector<std::string> words = {strace_path(), "-o", path,
                                      "-s",          "64", "-a",
                                      "1",           "-p", std::to_string(pid)};
    if (follow)
        words.push_back("-f");
    if (!fault.call.empty()) {
        words.push_back("-e");
        words.push_back("inject=" + text_of(fault));
    }
    return words;
}

Tracer::Tracer(pid_t pid, const Fault &fault, bool follow)
    : pid_(pid), fault_(fault), asleep_(process_state(pid) == "S"),
      // In memory: a traced process waits for strace, which would wait for a
      // disk.
      record_(memfd_create("strace", MFD_CLOEXEC)),
      strace_(strace_words(pid, fault, follow, record_)) {
    REQUIRE_MESSAGE(strace_.errors_have(" attached"), strace_.errors);
    // Otherwise what wakes it up could arrive before the call is seen.
    if (asleep_)
        (void)eventually([this] { return !calls().empty(); });
}

void Tracer::lift() {
    if (strace_.has_ended())
        return;
    strace_.signal(SIGTERM);
    (void)strace_.wait(); // its status only reports the signal
}

std::string Tracer::record() const {
    std::string text;
    char piece[65536];
    ssize_t n = 0;
    while ((n = pread(record_.get(), piece, sizeof piece,
                      static_cast<off_t>(text.size()))) > 0)
        text.append(piece, static_cast<size_t>(n));
    return text;
}

// What has been read about one process.
struct Trail {
    size_t last_call = std::string::npos;
    bool signalled = false; // since that call
};

static void read_line(const std::string &text, pid_t first_pid,
                      std::map<pid_t, Trail> *trails,
                      std::vector<TracedCall> *calls) {
    RecordLine line;
    if (!read_record_line(text, &line))
        return; // not completely written yet
    pid_t pid = line.pid == 0 ? first_pid : line.pid;
    bool injected =
        contains(text, " (INJECTED)") || contains(text, " (DELAYED)");
    Trail &trail = (*trails)[pid];
    if (line.kind == LineKind::returns) {
        if (injected && trail.last_call < calls->size())
            (*calls)[trail.last_call].injected = true;
    } else if (line.kind == LineKind::signal) {
        trail.signalled = true;
    } else if (line.kind == LineKind::call || line.kind == LineKind::begins) {
        trail.last_call = calls->size();
        calls->push_back({pid, std::string(line.name),
                          std::string(line.arguments), injected,
                          trail.signalled});
        trail.signalled = false;
    }
}

// Sessions ask at each look: the record is parsed only when it has grown, but
// then from its start, because strace completes lines later.
const std::vector<TracedCall> &Tracer::calls() const {
    std::string text = record();
    if (text.size() == read_)
        return calls_;
    read_ = text.size();
    calls_.clear();
    std::map<pid_t, Trail> trails;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        read_line(line, pid_, &trails, &calls_);
    return calls_;
}

bool Tracer::met(pid_t by) const {
    std::map<pid_t, int> uses;
    for (const TracedCall &call : calls())
        if (call.name == fault_.call && ++uses[call.pid] == fault_.nth &&
            (by == 0 || call.pid == by))
            return true;
    return false;
}

std::string tracing_hindered() {
    if (strace_path().empty())
        return "strace is not installed";
    Process idle([] { pause(); });
    Process strace(
        {strace_path(), "-o", "/dev/null", "-p", std::to_string(idle.pid())});
    if (!strace.errors_have(" attached"))
        return "strace may not trace here: " + strace.errors;
    return "";
}
