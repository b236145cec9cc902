// SPDX-License-Identifier: MIT
// The audits of the programs; and the negative controls, because an audit that
// never finds anything proves nothing. Prints which invariants each has broken.
#include <doctest/doctest.h>
#include <iostream>

#include "audits/audits.h"
#include "support/parallel.h"

struct Job {
    const Audit *audit;
    Control control;
};

// "1 9 " and, on the next line, the findings in full.
static std::string told(const std::set<Invariant> &invariants) {
    std::string text;
    for (Invariant invariant : invariants)
        text += std::to_string(static_cast<int>(invariant)) + " ";
    return text + "\n";
}

// They mostly sleep, and watch processes sleep.
static void
run_all(const std::function<std::vector<Control>(const Audit &)> &of) {
    std::vector<Job> jobs;
    std::vector<std::function<void()>> bodies;
    for (const auto *audits : {&server_audits, &program_audits})
        for (const Audit &audit : *audits)
            for (const Control &control : of(audit)) {
                jobs.push_back({&audit, control});
                bodies.push_back([&audit, mistake = control.mistake] {
                    Findings findings = audit.judge(mistake);
                    std::cout << told(invariants_of(findings))
                              << text_of(findings);
                });
            }
    run_in_parallel(
        bodies, 8, [&](size_t i, bool well, const std::string &text) {
            const auto &[audit, control] = jobs[i];
            std::cout << audit->claim << ": " << control.mistake << ": "
                      << text.substr(0, text.find('\n')) << std::endl;
            CAPTURE(jobs[i].control.mistake);
            CAPTURE(text);
            CHECK(well);
            CHECK(text.starts_with(told(control.expected)));
        });
}

TEST_CASE("each program is as the audits claim") {
    run_all([](const Audit &) { return std::vector<Control>{{"", {}}}; });
}

TEST_SUITE_BEGIN("controls");

TEST_CASE("each mistake is found, and taken for what it is") {
    run_all([](const Audit &audit) { return audit.controls; });
}
