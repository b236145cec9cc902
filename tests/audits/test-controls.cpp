// SPDX-License-Identifier: MIT
// The negative controls: an audit that never finds anything proves nothing.
// Each must find in wrong_server the mistake that it is for, and only that.
#include <doctest/doctest.h>
#include <set>

#include "audits/audits.h"
#include "support/process.h"

using Audit = Findings(const Words &server);

static Findings audit_small_storm(const Words &server) {
    return audit_storm(server, 50);
}

struct Control {
    std::string mistake;
    Audit *audit;
    std::set<Invariant> expected;
};

using enum Invariant;

static const Control controls[] = {
    {"parent_keeps_client", audit_descriptors, {parent_descriptors}},
    {"leak_per_client", audit_descriptors, {parent_descriptors}},
    {"child_keeps_listener", audit_descriptors, {child_descriptors}},
    {"child_keeps_listener", audit_drain, {drain}},
    {"child_leaks", audit_descriptors, {child_descriptors}},
    {"child_forks", audit_descriptors, {child_descriptors}},
    {"one_waitpid", audit_small_storm, {no_zombie}},
    {"zombie_left", audit_small_storm, {no_zombie}},
    {"removed_twice", audit_small_storm, {lines}},
    {"child_takes_sigint", audit_signals, {dispositions}},
    {"child_unblocks_signals", audit_signals, {dispositions}},
    {"dies_by_sigpipe", audit_signals, {dispositions}},
    {"wakes_when_idle", audit_idle, {idle}},
    {"child_wakes_when_idle", audit_idle, {idle}},
    {"drain_keeps_listener", audit_drain, {drain}},
    {"drain_leaves_children", audit_drain, {drain}},
    {"drain_loses_clients", audit_drain, {drain}},
    {"wrong_exit_status", audit_drain, {exit_status}},
    {"removed_twice", audit_lines, {lines}},
    {"line_in_pieces", audit_lines, {lines}},
    {"forked_buffer", audit_lines, {lines}},
    {"dies_by_sigpipe", audit_broken_log, {exit_status}},
    {"short_write_dropped", audit_echo, {echo}},
};

static Words wrong_server(const std::string &mistake) {
    return {test_program("wrong_server"), mistake};
}

TEST_CASE("each audit passes a server that makes no mistake") {
    for (Audit *audit :
         {audit_descriptors, audit_small_storm, audit_signals, audit_idle,
          audit_drain, audit_lines, audit_broken_log, audit_echo}) {
        Findings findings = audit(wrong_server("none"));
        CHECK_MESSAGE(findings.empty(), text_of(findings));
    }
}

TEST_CASE("each mistake is found, and taken for what it is") {
    for (const Control &control : controls) {
        CAPTURE(control.mistake);
        Findings findings = control.audit(wrong_server(control.mistake));
        CHECK_MESSAGE((invariants_of(findings) == control.expected),
                      text_of(findings));
    }
}
