// SPDX-License-Identifier: MIT
// fault_jobs - turns the rows of a fault matrix into scenarios.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "faults/fault_jobs.h"
#include "support/parallel.h"

constexpr size_t at_once = 16; // they mostly wait

// ---- from rows to scenarios ------------------------------------------------

static std::vector<std::string> words_of(const std::string &text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

static Scenario scenario_of(const Subject &subject, Target target) {
    Scenario scenario;
    scenario.words = words_of(subject.words);
    scenario.words[0] = program(scenario.words[0]);
    scenario.shows = subject.shows;
    scenario.in_any_order = subject.in_any_order;
    scenario.leaves = subject.leaves;
    scenario.target = target;
    return scenario;
}

static bool concerns(const Row &row, const Subject &subject) {
    std::string name = row.subject;
    return name == subject.name ||
           (name == "demo" && subject.session == show_session) ||
           (name == "client" && words_of(subject.words)[0] == "echo_mpclient");
}

// Uses of one call: from the program's own first one to the last, in the
// process that makes most of them.
struct Uses {
    int first = 1;
    int last = 0;
};
using UsesOf = std::map<std::string, Uses>;

// A program watched from its start runs the C library's code until its first
// fcntl(2), made by reset_inherited(). Its children run ours from the start.
static UsesOf uses_in(const Outcome &clean, const Subject &subject,
                      Target target) {
    bool in_main = target == Target::child ||
                   subject.session == serve_session ||
                   subject.session == grace_session;
    std::map<pid_t, UsesOf> by_process;
    for (const TracedCall &call : clean.calls) {
        in_main |= call.pid == clean.parent && call.name == "fcntl";
        Uses &uses = by_process[call.pid][call.name];
        uses.last++;
        if (!in_main)
            uses.first = uses.last + 1;
    }
    UsesOf all;
    for (const auto &[pid, uses_of] : by_process) {
        for (const auto &[name, uses] : uses_of) {
            if (uses.last < uses.first)
                continue;
            bool known = all.contains(name);
            Uses &sum = all[name];
            sum.first = known ? std::min(sum.first, uses.first) : uses.first;
            sum.last = std::max(sum.last, uses.last);
        }
    }
    return all;
}

static std::string effect_of(const std::string &fault) {
    if (fault.starts_with("SIG"))
        return "signal=" + fault;
    if (fault == "late")
        return "delay_exit=200000"; // microseconds
    return (fault == "0" ? "retval=" : "error=") + fault;
}

struct Job {
    const Subject *subject;
    const Row *row;
    Scenario scenario;
};

static const char *name_of(Target target) {
    static const char *const names[] = {"parent", "child", "family"};
    return names[static_cast<int>(target)];
}

static std::string name_of(const Job &job) {
    return std::string(job.subject->name) + ", " +
           name_of(job.scenario.target) + ", " + text_of(job.scenario.fault);
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
        printf("mutant %s, %s, %s: rejected for I%d\n", control.mistake,
               name_of(control.target), text_of(control.fault).c_str(),
               static_cast<int>(control.broken));
}

// ---- clean runs ------------------------------------------------------------

// The calls that can fail, found in a run without a fault.
struct CleanRun {
    const Subject *subject;
    Target target;
    UsesOf uses;
};

static void print_uses(const Subject &subject, Target target) {
    Outcome clean = subject.session(scenario_of(subject, target));
    if (!clean.findings.empty()) {
        printf("%s\n", text_of(clean.findings).c_str());
        throw std::runtime_error("it is broken without a fault");
    }
    for (const auto &[name, uses] : uses_in(clean, subject, target))
        printf("%s %d %d\n", name.c_str(), uses.first, uses.last);
    fflush(stdout);
}

static std::list<CleanRun> clean_runs(const Matrix &matrix) {
    std::list<CleanRun> runs;
    std::set<std::pair<const Subject *, Target>> seen;
    for (const Subject &subject : matrix.subjects)
        for (const Row &row : matrix.rows)
            if (concerns(row, subject) &&
                seen.insert({&subject, row.target}).second)
                runs.push_back({&subject, row.target, {}});
    return runs;
}

static bool measure(std::list<CleanRun> *runs) {
    std::vector<std::function<void()>> bodies;
    std::vector<CleanRun *> order;
    for (CleanRun &run : *runs) {
        bodies.push_back([&run] { print_uses(*run.subject, run.target); });
        order.push_back(&run);
    }
    bool good = true;
    run_in_parallel(
        bodies, at_once, [&](size_t i, bool well, const std::string &text) {
            std::istringstream stream(text);
            std::string name;
            Uses uses;
            while (well && stream >> name >> uses.first >> uses.last)
                order[i]->uses[name] = uses;
            if (!well)
                printf("without a fault: %s: %s\n", order[i]->subject->name,
                       text.c_str());
            good &= well;
        });
    return good;
}

static bool row_has(const Row &row, const std::string &call) {
    for (const std::string &word : words_of(row.calls))
        if (word == call || word == call + "?" || word == "*")
            return true;
    return false;
}

// A signal at a call is not a failure of it.
static bool has_a_row(const Matrix &matrix, const Subject &subject,
                      const std::string &call) {
    for (const Row &row : matrix.rows)
        if (concerns(row, subject) && row.calls[0] != '*' && row_has(row, call))
            return true;
    return false;
}

static bool is_complete(const Matrix &matrix, const std::list<CleanRun> &runs) {
    std::set<std::string> missing;
    for (const CleanRun &run : runs)
        for (const auto &[call, uses] : run.uses)
            if (run.subject->calls_fail && !matrix.never_fails.contains(call) &&
                !has_a_row(matrix, *run.subject, call))
                missing.insert(std::string(run.subject->name) + ": " + call);
    for (const std::string &call : missing)
        printf("no row lets this fail: %s\n", call.c_str());
    return missing.empty();
}

static void add_jobs(const Row &row, const CleanRun &run, bool quick,
                     const std::string &call, std::vector<Job> *jobs) {
    Uses uses = run.uses.at(call);
    bool first = true;
    for (const std::string &fault : words_of(row.faults)) {
        for (int n = uses.first; n <= (quick ? uses.first : uses.last); n++) {
            Scenario scenario = scenario_of(*run.subject, run.target);
            scenario.reaction = row.reaction;
            scenario.says = row.says;
            scenario.fault = {call, effect_of(fault), n, false};
            if (row.times != Times::for_ever)
                jobs->push_back({run.subject, &row, scenario});
            scenario.fault.for_ever = true;
            if (row.times != Times::once && (first || !quick))
                jobs->push_back({run.subject, &row, scenario});
        }
        first = false;
    }
}

static std::vector<Job> all_jobs(const Matrix &matrix,
                                 const std::list<CleanRun> &runs, bool quick) {
    std::vector<Job> jobs;
    for (const Row &row : matrix.rows)
        for (const CleanRun &run : runs)
            for (const auto &[call, uses] : run.uses)
                if (concerns(row, *run.subject) && run.target == row.target &&
                    row_has(row, call) && call != "exit_group")
                    add_jobs(row, run, quick, call, &jobs);
    return jobs;
}

// What a scenario's process prints: "unmet" or "met", and what it found.
static void run_job(const Job &job) {
    Outcome outcome = job.subject->session(job.scenario);
    printf("%s\n%s", outcome.met ? "met" : "unmet",
           text_of(outcome.findings).c_str());
    fflush(stdout);
}

struct Totals {
    int scenarios = 0;
    int unmet = 0;
    int broken = 0;
    std::map<int, int> invariants; // scenarios that broke each
    std::set<std::pair<const Row *, std::string>> struck; // row and call
};

static void take_result(const Job &job, bool well, const std::string &text,
                        Totals *totals) {
    totals->scenarios++;
    totals->unmet += text == "unmet\n";
    if (text != "unmet\n")
        totals->struck.insert({job.row, job.scenario.fault.call});
    if (well && (text == "met\n" || text == "unmet\n"))
        return;
    totals->broken++;
    printf("%s: %s\n", name_of(job).c_str(), text.c_str());
    fflush(stdout);
    for (int i = 1; i <= 12; i++)
        if (text.find("I" + std::to_string(i) + ":") != text.npos)
            totals->invariants[i]++;
}

static Totals run_jobs(const std::vector<Job> &jobs) {
    Totals totals;
    std::vector<std::function<void()>> bodies;
    for (const Job &job : jobs)
        bodies.push_back([&job] { run_job(job); });
    run_in_parallel(bodies, at_once,
                    [&](size_t i, bool well, const std::string &text) {
                        take_result(jobs[i], well, text, &totals);
                    });
    return totals;
}

// A row whose call is never made, or made too late to be hit, covers nothing.
static bool all_have_struck(const Matrix &matrix, const Totals &totals) {
    bool good = true;
    for (const Row &row : matrix.rows) {
        for (const std::string &call : words_of(row.calls)) {
            bool optional = call == "*" || call.ends_with('?');
            if (optional || totals.struck.contains({&row, call}))
                continue;
            printf("never struck: %s: %s\n", row.subject, call.c_str());
            good = false;
        }
    }
    return good;
}

static void print_totals(const Totals &totals) {
    printf("%d scenarios, %d of them over before their fault; %d broke "
           "something",
           totals.scenarios, totals.unmet, totals.broken);
    for (const auto &[invariant, count] : totals.invariants)
        printf(", I%d %d times", invariant, count);
    printf("\n");
}

// A word that begins with - excludes what it would otherwise choose.
static bool chosen(const Job &job, const std::vector<std::string> &words) {
    std::string name = name_of(job);
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

bool run_matrix(const Matrix &matrix, Sweep sweep,
                const std::vector<std::string> &words) {
    std::list<CleanRun> runs = clean_runs(matrix);
    if (!measure(&runs))
        return false;
    if (sweep != Sweep::uncounted && !is_complete(matrix, runs))
        return false;
    std::vector<Job> jobs = all_jobs(matrix, runs, sweep != Sweep::all);
    std::erase_if(jobs, [&](const Job &job) { return !chosen(job, words); });
    Totals totals = run_jobs(jobs);
    print_totals(totals);
    bool whole = words.empty() && sweep != Sweep::uncounted;
    bool struck = !whole || all_have_struck(matrix, totals);
    return struck && totals.broken == 0 && totals.scenarios > 0;
}

// ---- negative controls -----------------------------------------------------

static void run_control(const Control &control) {
    Scenario scenario;
    scenario.words = {test_program(control.mistake), "-S", "-g", "10", "0"};
    scenario.target = control.target;
    scenario.fault = control.fault;
    scenario.reaction = control.reaction;
    printf("%s", text_of(serve_session(scenario).findings).c_str());
    fflush(stdout);
}

static std::string number_of(Invariant invariant) {
    return "I" + std::to_string(static_cast<int>(invariant)) + ":";
}

bool run_controls(std::span<const Control> controls) {
    std::vector<std::function<void()>> bodies;
    for (const Control &control : controls)
        bodies.push_back([&] { run_control(control); });
    size_t rejected = 0;
    run_in_parallel(
        bodies, at_once, [&](size_t i, bool well, const std::string &found) {
            const Control &control = controls[i];
            bool good =
                well && found.find(number_of(control.broken)) != found.npos;
            printf("%s%s, %s:\n%s\n",
                   good ? "" : "NOT REJECTED: ", control.mistake,
                   text_of(control.fault).c_str(), found.c_str());
            rejected += good;
        });
    printf("%zu of %zu mutants rejected\n", rejected, controls.size());
    return rejected == controls.size();
}
