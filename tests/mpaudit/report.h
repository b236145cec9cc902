// SPDX-License-Identifier: MIT
// report - what a check has found, as TAP 13 or as JSON lines.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using Evidence = std::vector<std::pair<std::string, std::string>>;

// A fault loses, leaks, spins or hangs. What a server may choose is a comment.
struct Result {
    std::string when;             // ends the message of a fault: "after ..."
    std::vector<Evidence> faults; // each begins with its message
    std::string skipped;          // why; "" if it was asked
    std::vector<std::string> comments;
    double seconds = 0;

    void fault(const std::string &message, const Evidence &evidence) {
        faults.push_back(
            {{"message", message + (when.empty() ? "" : " ") + when}});
        faults.back().insert(faults.back().end(), evidence.begin(),
                             evidence.end());
    }
    void comment(const std::string &text) {
        comments.push_back(text);
    }
};

// Thrown by a check that cannot be asked here.
struct Skip : std::runtime_error {
    using runtime_error::runtime_error;
};

enum class Form { tap, json };
void print_comment(Form form, const std::string &text);
void print_result(Form form, int number, const std::string &name,
                  const std::string &claim, const Result &result);
