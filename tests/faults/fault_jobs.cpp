// SPDX-License-Identifier: MIT
// fault_jobs - turns the rows of a fault matrix into scenarios.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "faults/fault_jobs.h"
#include "faults/session.h"
#include "support/parallel.h"

constexpr size_t at_once = 16; // they mostly wait

// Runs BODY with each of JOBS, in processes of their own. TAKE gets the job,
// whether it completed, and what it printed.
template <typename Job, typename Body, typename Take>
static void run_each(std::span<Job> jobs, const Body &body, const Take &take) {
    std::vector<std::function<void()>> bodies;
    for (const Job &job : jobs)
        bodies.push_back([&job, &body] {
            body(job);
            fflush(stdout);
        });
    run_in_parallel(bodies, at_once,
                    [&](size_t i, bool well, const std::string &text) {
                        take(jobs[i], well, text);
                    });
}

// ---- names ------------------------------------------------------------------

static const char *name_of(Target target) {
    static const char *const names[] = {"parent", "child", "family"};
    return names[static_cast<int>(target)];
}

static std::string name_of(const Scenario &scenario) {
    return std::string(scenario.subject->name) + ", " +
           name_of(scenario.target) + ", " + text_of(scenario.fault);
}

static std::string name_of(Invariant invariant) {
    return "I" + std::to_string(static_cast<int>(invariant));
}

void list_matrix(const Matrix &matrix, std::span<const Control> controls) {
    static const char *const times[] = {"once", "for ever",
                                        "once and for ever"};
    static const char *const reactions[] = {"carries on", "loses its child",
                                            "drains", "stops", "may end"};
    int number = 0;
    for (const char *asked : must_hold)
        printf("I%d: %s\n", ++number, asked);
    for (const Subject &subject : matrix.subjects)
        printf("session %s: %s\n", subject.name, subject.words);
    for (const Row &row : matrix.rows)
        printf("%s, %s, %s: %s %s: %s%s%s\n", row.subject, name_of(row.target),
               row.calls, row.faults, times[static_cast<int>(row.times)],
               reactions[static_cast<int>(row.reaction)],
               *row.says == '\0' ? "" : ", and says ", row.says);
    for (const auto &[call, reason] : matrix.never_fails)
        printf("%s never fails: %s\n", call.c_str(), reason);
    for (const Control &control : controls)
        printf("mutant %s, %s, %s: rejected for %s\n", control.mistake,
               name_of(control.target), text_of(control.fault).c_str(),
               name_of(control.broken).c_str());
}

// ---- clean runs -------------------------------------------------------------

// Uses of one call: from the program's own first one to the last, in the
// process that makes most of them.
struct Uses {
    int first = 1, last = 0;
};

// The calls that can fail, found in a run without a fault.
struct CleanRun {
    const Subject *subject;
    Target target;
    std::map<std::string, Uses> uses;
};

static bool concerns(const Row &row, const Subject &subject) {
    std::string name = row.subject;
    return name == subject.name ||
           (name == "demo" && subject.session == show_session) ||
           (name == "client" && words_of(subject.words)[0] == "echo_mpclient");
}

static std::vector<CleanRun> clean_runs(const Matrix &matrix) {
    std::vector<CleanRun> runs;
    std::set<std::pair<const Subject *, Target>> seen;
    for (const Subject &subject : matrix.subjects)
        for (const Row &row : matrix.rows)
            if (concerns(row, subject) &&
                seen.insert({&subject, row.target}).second)
                runs.push_back({&subject, row.target, {}});
    return runs;
}

// A program watched from its start runs the C library's code until its first
// fcntl(2), made by reset_inherited(). Its children run ours from the start.
static std::map<std::string, Uses> uses_in(const Outcome &clean,
                                           bool from_the_start) {
    bool in_main = !from_the_start;
    std::map<std::pair<pid_t, std::string>, int> made;
    std::map<std::string, Uses> all;
    for (const TracedCall &call : clean.calls) {
        in_main |= call.pid == clean.parent && call.name == "fcntl";
        int nth = ++made[{call.pid, call.name}];
        if (!in_main)
            continue;
        Uses &uses = all.try_emplace(call.name, Uses{nth, nth}).first->second;
        uses.first = std::min(uses.first, nth);
        uses.last = std::max(uses.last, nth);
    }
    return all;
}

static void print_uses(const CleanRun &run) {
    const Subject &subject = *run.subject;
    Outcome clean =
        subject.session({.subject = &subject, .target = run.target});
    if (!clean.findings.empty())
        throw std::runtime_error("it is broken without a fault: " +
                                 text_of(clean.findings));
    bool from_the_start = run.target != Target::child &&
                          subject.session != serve_session &&
                          subject.session != grace_session;
    for (const auto &[name, uses] : uses_in(clean, from_the_start))
        printf("%s %d %d\n", name.c_str(), uses.first, uses.last);
}

static bool measure(std::vector<CleanRun> *runs) {
    bool good = true;
    run_each(std::span(*runs), print_uses,
             [&](CleanRun &run, bool well, const std::string &text) {
                 std::istringstream stream(text);
                 std::string name;
                 Uses uses;
                 while (well && stream >> name >> uses.first >> uses.last)
                     run.uses[name] = uses;
                 if (!well)
                     printf("without a fault: %s: %s\n", run.subject->name,
                            text.c_str());
                 good &= well;
             });
    return good;
}

// ---- from rows to scenarios -------------------------------------------------

static bool row_has(const Row &row, const std::string &call) {
    for (const std::string &word : words_of(row.calls))
        if (word == call || word == call + "?" || word == "*")
            return true;
    return false;
}

// Whether a row of any subject with that session, other than for signals at
// every call, makes CALL fail.
static bool may_fail(const Matrix &matrix, Outcome (*session)(const Scenario &),
                     const std::string &call) {
    for (const Row &row : matrix.rows)
        for (const Subject &subject : matrix.subjects)
            if (subject.session == session && concerns(row, subject) &&
                row.calls[0] != '*' && row_has(row, call))
                return true;
    return false;
}

static bool is_complete(const Matrix &matrix,
                        const std::vector<CleanRun> &runs) {
    std::set<std::string> missing;
    for (const CleanRun &run : runs)
        for (const auto &[call, uses] : run.uses)
            if (!matrix.never_fails.contains(call) &&
                !may_fail(matrix, run.subject->session, call))
                missing.insert(std::string(run.subject->name) + ": " + call);
    for (const std::string &call : missing)
        printf("no row makes this call fail: %s\n", call.c_str());
    return missing.empty();
}

static std::string effect_of(const std::string &fault) {
    if (fault.starts_with("SIG"))
        return "signal=" + fault;
    if (fault == "late")
        return "delay_exit=200000"; // microseconds
    return (fault == "0" ? "retval=" : "error=") + fault;
}

struct Job {
    const Row *row;
    Scenario scenario;
};

static void add_jobs(const Row &row, const CleanRun &run,
                     const std::string &call, bool every_use,
                     std::vector<Job> *jobs) {
    Uses uses = run.uses.at(call);
    bool first = true;
    for (const std::string &fault : words_of(row.faults)) {
        for (int n = uses.first; n <= (every_use ? uses.last : uses.first);
             n++) {
            Scenario scenario = {run.subject,
                                 run.target,
                                 row.reaction,
                                 row.says,
                                 {call, effect_of(fault), n, false}};
            if (row.times != Times::for_ever)
                jobs->push_back({&row, scenario});
            scenario.fault.for_ever = true;
            if (row.times != Times::once && (first || every_use))
                jobs->push_back({&row, scenario});
        }
        first = false;
    }
}

// A word that begins with - excludes what it would otherwise choose.
static bool chosen(const Job &job, const std::vector<std::string> &words) {
    std::string name = name_of(job.scenario);
    bool asked = false;
    bool listed = false;
    for (const std::string &word : words) {
        bool leaves_out = word.starts_with('-');
        bool found = name.find(word.substr(leaves_out)) != std::string::npos;
        if (leaves_out && found)
            return false;
        asked |= !leaves_out;
        listed |= !leaves_out && found;
    }
    return listed || !asked;
}

static std::vector<Job> all_jobs(const Matrix &matrix,
                                 const std::vector<CleanRun> &runs,
                                 bool every_use,
                                 const std::vector<std::string> &words) {
    std::vector<Job> jobs;
    for (const Row &row : matrix.rows)
        for (const CleanRun &run : runs)
            for (const auto &[call, uses] : run.uses)
                if (concerns(row, *run.subject) && run.target == row.target &&
                    row_has(row, call) && call != "exit_group")
                    add_jobs(row, run, call, every_use, &jobs);
    std::erase_if(jobs, [&](const Job &job) { return !chosen(job, words); });
    return jobs;
}

// ---- running them -----------------------------------------------------------

// Prints "unmet" or "met", and what it found.
static void run_job(const Job &job) {
    Outcome outcome = job.scenario.subject->session(job.scenario);
    printf("%s\n%s", outcome.met ? "met" : "unmet",
           text_of(outcome.findings).c_str());
}

// A row whose call is never made, or made too late to be hit, covers nothing.
// STRUCK are rows and the calls that they have made fail.
static bool
all_have_struck(const Matrix &matrix,
                const std::set<std::pair<const Row *, std::string>> &struck) {
    bool good = true;
    for (const Row &row : matrix.rows) {
        for (const std::string &call : words_of(row.calls)) {
            bool optional = call == "*" || call.ends_with('?');
            if (optional || struck.contains({&row, call}))
                continue;
            printf("never injected: %s: %s\n", row.subject, call.c_str());
            good = false;
        }
    }
    return good;
}

bool run_matrix(const Matrix &matrix, bool every_use,
                const std::vector<std::string> &words) {
    std::vector<CleanRun> runs = clean_runs(matrix);
    bool whole = words.empty();
    if (!measure(&runs) || (whole && !is_complete(matrix, runs)))
        return false;
    std::vector<Job> jobs = all_jobs(matrix, runs, every_use, words);
    int unmet = 0;
    int broken = 0;
    std::set<std::pair<const Row *, std::string>> struck;
    run_each(std::span(jobs), run_job,
             [&](const Job &job, bool well, const std::string &text) {
                 if (text == "unmet\n")
                     unmet++;
                 else
                     struck.insert({job.row, job.scenario.fault.call});
                 if (well && (text == "met\n" || text == "unmet\n"))
                     return;
                 broken++;
                 printf("%s: %s\n", name_of(job.scenario).c_str(),
                        text.c_str());
                 fflush(stdout);
             });
    printf("%zu scenarios, %d of them ended before their fault; %d broke "
           "something\n",
           jobs.size(), unmet, broken);
    bool covered = !whole || all_have_struck(matrix, struck);
    return covered && broken == 0 && !jobs.empty();
}

// ---- negative controls ------------------------------------------------------

static void run_control(const Control &control) {
    std::string words = std::string(control.mistake) + " -S -g 10 0";
    Subject subject = {.name = control.mistake,
                       .session = serve_session,
                       .words = words.c_str()};
    Scenario scenario = {&subject, control.target, control.reaction, "",
                         control.fault};
    printf("%s", text_of(serve_session(scenario).findings).c_str());
}

bool run_controls(std::span<const Control> controls) {
    size_t rejected = 0;
    run_each(controls, run_control,
             [&](const Control &control, bool well, const std::string &found) {
                 std::string number = name_of(control.broken) + ":";
                 bool good = well && found.find(number) != found.npos;
                 printf("%s%s, %s:\n%s\n",
                        good ? "" : "NOT REJECTED: ", control.mistake,
                        text_of(control.fault).c_str(), found.c_str());
                 rejected += good;
             });
    printf("%zu of %zu mutants rejected\n", rejected, controls.size());
    return rejected == controls.size();
}
