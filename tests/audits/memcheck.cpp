// SPDX-License-Identifier: MIT
// memcheck - what valgrind reports of each process.
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "audits/memcheck.h"
#include "support/machine.h"

namespace fs = std::filesystem;

static std::string valgrind() {
    const char *path = getenv("VALGRIND");
    REQUIRE_MESSAGE(path != nullptr, "run by `meson test`");
    if (*path == '\0')
        skip_test("valgrind is not installed");
    return path;
}

static std::string make_folder() {
    (void)valgrind(); // may skip the test, before there is a folder to remove
    std::string path = fs::temp_directory_path() / "memcheck-XXXXXX";
    REQUIRE(mkdtemp(path.data()) != nullptr);
    return path;
}

static std::vector<std::string>
words_for(const std::string &folder,
          const std::vector<std::string> &arguments) {
    // To free what the C library holds would flush output that a child calling
    // _exit must not write. The pipes of vgdb would outlive a killed process.
    std::vector<std::string> words = {"/usr/bin/env", // it may be a script
                                      valgrind(),
                                      "--leak-check=full",
                                      "--track-fds=yes",
                                      "--trace-children=yes",
                                      "--vgdb=no",
                                      "--run-libc-freeres=no",
                                      "--log-file=" + folder + "/%p"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
}

Memcheck::Memcheck(const std::vector<std::string> &arguments,
                   const StartOptions &options)
    : folder_(make_folder()), process(words_for(folder_, arguments), options) {
}

Memcheck::~Memcheck() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

static std::string contents(const fs::path &path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string Memcheck::text() const {
    std::string all;
    for (const fs::directory_entry &log : fs::directory_iterator(folder_))
        all += contents(log.path());
    return all;
}

// ---- one log ----------------------------------------------------------------

struct OpenDescriptor {
    std::string what;  // number and peer
    std::string frame; // the first of its stack: where it was opened
};

struct Log {
    std::string pid, parent;
    bool complete = false;
    bool terminated = false;
    std::vector<std::string> errors;
    std::vector<OpenDescriptor> open; // not the inherited ones
};

// What follows PREFIX in LINE; "" if LINE does not begin with it.
static std::string after(const std::string &prefix, const std::string &line) {
    return line.starts_with(prefix) ? line.substr(prefix.size()) : "";
}

// The first line about an error, a leak or a descriptor precedes its stack; an
// inherited descriptor has no stack.
static void read_line(Log *log, const std::string &line,
                      const std::string &before) {
    if (std::string parent = after("Parent PID: ", line); !parent.empty())
        log->parent = parent;
    if (line.starts_with("Process terminating") &&
        line.ends_with("signal 15 (SIGTERM)"))
        log->terminated = true;
    if (std::string sum = after("ERROR SUMMARY: ", line); !sum.empty()) {
        log->complete = true;
        if (!sum.starts_with("0 errors ") && log->errors.empty())
            log->errors.push_back(line);
    }
    bool more = before.starts_with(' '); // of an error already recorded
    if (!line.starts_with("   at 0x") || more || before.starts_with("Process"))
        return;
    std::string descriptor = after("Open ", before);
    if (descriptor.empty())
        log->errors.push_back(before);
    else
        log->open.push_back({descriptor, line});
}

static Log read_log(const fs::path &path) {
    Log log;
    log.pid = path.filename();
    std::string mark = "==" + log.pid + "== ";
    std::string before;
    for (const std::string &whole : lines_of(contents(path))) {
        std::string line = after(mark, whole);
        read_line(&log, line, before);
        before = line;
    }
    return log;
}

// A listener or an unconnected socket has no peer.
static bool is_connection(const std::string &descriptor) {
    return count_of(" <-> ", descriptor) == 1 &&
           !descriptor.ends_with("unbound");
}

// A process that is terminated may have its one connection open, and so may a
// child that serves a client: it exits to close it.
static bool ends_with_connection(const Log &log, bool child) {
    if (log.open.size() != 1)
        return false;
    const OpenDescriptor &last = log.open[0];
    bool accepted = count_of(": accept4 (", last.frame) == 1;
    return (child && accepted) || (log.terminated && is_connection(last.what));
}

static void judge(const Log &log, bool child, Findings *findings) {
    std::string who = (child ? "child " : "parent ") + log.pid;
    for (const std::string &error : log.errors)
        findings->push_back({Invariant::memory, who + ": " + error});
    if (ends_with_connection(log, child))
        return;
    for (const OpenDescriptor &descriptor : log.open)
        findings->push_back({child ? Invariant::child_descriptors
                                   : Invariant::parent_descriptors,
                             who + " leaves open " + descriptor.what});
}

Findings Memcheck::findings(int processes, int killed) {
    (void)process.wait();
    (void)orphans_left_by(process.pid());
    std::vector<Log> logs;
    std::set<std::string> pids;
    int incomplete = 0;
    for (const fs::directory_entry &log : fs::directory_iterator(folder_)) {
        logs.push_back(read_log(log.path()));
        pids.insert(logs.back().pid);
        incomplete += logs.back().complete ? 0 : 1;
    }
    Findings findings;
    for (const Log &log : logs)
        judge(log, pids.contains(log.parent), &findings);
    if (logs.size() != static_cast<size_t>(processes) || incomplete != killed)
        findings.push_back(
            {Invariant::memory, std::to_string(logs.size()) + " reports, " +
                                    std::to_string(incomplete) + " cut off"});
    return findings;
}
