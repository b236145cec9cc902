// SPDX-License-Identifier: MIT
// The negative controls of the audits of the client and of the demonstrations:
// each must find in wrong_program the mistake that it is for, and only that.
#include <doctest/doctest.h>
#include <functional>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "audits/audits.h"
#include "support/parallel.h"
#include "support/process.h"

using Audit = Findings(const std::string &mistake);

static Words wrong(const std::string &role, const std::string &mistake) {
    return {test_program("wrong_program"), role, mistake};
}

static Findings client(const std::string &mistake) {
    return audit_client(wrong("client", mistake));
}

static Findings client_ends(const std::string &mistake) {
    return audit_client_ends(wrong("client", mistake));
}

static Findings demo(const std::string &mistake) {
    Words words = wrong("demo", mistake);
    words.push_back("1000");
    return audit_demonstrations({{words, 2, 1, "S", {}}});
}

static Findings demo_end(const std::string &mistake) {
    Words words = wrong("demo", mistake);
    words.push_back("0");
    return audit_demonstration_end(words, 0);
}

struct Control {
    std::string mistake;
    Audit *audit;
    std::set<Invariant> expected;
};

using enum Invariant;

// Where two are expected, the one is the other's consequence: a zombie that the
// client never reaps outlives it, and so does a writer that it leaves, also
// where it is killed; signals that are blocked do not tell of a writer's end.
static const Control controls[] = {
    {"child_blocks_signals", client, {dispositions}},
    {"child_dies_by_sigpipe", client, {dispositions}},
    {"child_keeps_descriptor", client, {child_descriptors}},
    {"child_keeps_handlers", client, {dispositions}},
    {"child_not_reaped", client, {no_zombie, drain}},
    {"child_stays", client, {no_zombie}},
    {"child_wakes_when_idle", client, {idle}},
    {"complains", client, {lines}},
    {"no_half_close", client, {echo}},
    {"parent_blocks_signals", client, {dispositions, no_zombie}},
    {"parent_dies_by_sigpipe", client, {dispositions}},
    {"parent_keeps_descriptor", client, {parent_descriptors}},
    {"parent_wakes_after_half_close", client, {idle}},
    {"parent_wakes_when_idle", client, {idle}},
    {"sends_quit", client, {echo}},
    {"wrong_exit_status", client, {exit_status}},
    {"child_left", client_ends, {no_zombie, drain}},
    {"child_not_reaped", client_ends, {drain}},
    {"child_outlives_parent", client_ends, {no_zombie}},
    {"no_half_close", client_ends, {echo}},
    {"sends_quit", client_ends, {echo}},
    {"signal_leaves_child", client_ends, {drain}},
    {"success_though_failed", client_ends, {exit_status}},
    {"wrong_exit_status", client_ends, {exit_status}},
    {"child_beside", demo, {no_zombie}},
    {"child_blocks_signals", demo, {dispositions}},
    {"child_dies_by_sigpipe", demo, {dispositions}},
    {"child_keeps_descriptor", demo, {child_descriptors}},
    {"child_outlives_parent", demo, {no_zombie}},
    {"child_wakes_when_idle", demo, {idle}},
    {"parent_blocks_signals", demo, {dispositions}},
    {"parent_dies_by_sigpipe", demo, {dispositions}},
    {"parent_keeps_descriptor", demo, {parent_descriptors}},
    {"parent_wakes_when_idle", demo, {idle}},
    {"child_left", demo_end, {no_zombie}},
    {"child_not_reaped", demo_end, {no_zombie}},
    {"complains", demo_end, {lines}},
    {"wrong_exit_status", demo_end, {exit_status}},
};

// "1 9 " and, on the next line, the findings in full.
static std::string told(const std::set<Invariant> &invariants) {
    std::string text;
    for (Invariant invariant : invariants)
        text += std::to_string(static_cast<int>(invariant)) + " ";
    return text + "\n";
}

// They sleep, and look at sleep, for most of their time.
static void check_all(const std::vector<Control> &all) {
    std::vector<std::function<void()>> bodies;
    for (const Control &control : all)
        bodies.push_back([&control] {
            Findings findings = control.audit(control.mistake);
            std::cout << told(invariants_of(findings)) << text_of(findings);
        });
    run_in_parallel(
        bodies, 8, [&](size_t i, bool well, const std::string &text) {
            CAPTURE(all[i].mistake);
            CHECK(well);
            CHECK_MESSAGE(text.starts_with(told(all[i].expected)), text);
        });
}

TEST_CASE("each audit passes a program that makes no mistake") {
    check_all({{"none", client, {}},
               {"none", client_ends, {}},
               {"none", demo, {}},
               {"none", demo_end, {}}});
}

TEST_CASE("each mistake is found, and taken for what it is") {
    check_all({std::begin(controls), std::end(controls)});
}
