// SPDX-License-Identifier: MIT
// report - what a check has found, as TAP 13 or as JSON lines.
#include <cstdio>

#include "mpaudit/report.h"
#include "support/process.h"

// As a string of JSON, which is one of YAML too.
static std::string quoted(const std::string &text) {
    std::string all = "\"";
    for (char c : text) {
        char code[8];
        if (c == '"' || c == '\\')
            (all += '\\') += c;
        else if (c == '\n')
            all += "\\n";
        else if (static_cast<unsigned char>(c) >= ' ' && c < 0x7f)
            all += c;
        else {
            snprintf(code, sizeof code, "\\u%04x",
                     static_cast<unsigned char>(c));
            all += code;
        }
    }
    return all + '"';
}

void print_head(Form form, int checks) {
    if (form == Form::tap)
        printf("TAP version 13\n1..%d\n", checks);
}

void print_comment(Form form, const std::string &text) {
    for (const std::string &line : lines_of(text))
        if (form == Form::tap)
            printf("# %s\n", line.c_str());
        else
            printf("{\"comment\": %s}\n", quoted(line).c_str());
}

static void print_tap(int number, const std::string &name,
                      const std::string &claim, const Result &result) {
    printf("%s %d - %s: %s", result.faults.empty() ? "ok" : "not ok", number,
           name.c_str(), claim.c_str());
    if (!result.skipped.empty())
        printf(" # SKIP %s", result.skipped.c_str());
    putchar('\n');
    if (!result.faults.empty())
        printf("  ---\n  found:\n");
    for (const auto &[message, evidence] : result.faults) {
        printf("    - message: %s\n", quoted(message).c_str());
        for (const auto &[key, value] : evidence)
            printf("      %s: %s\n", key.c_str(), quoted(value).c_str());
    }
    if (!result.faults.empty())
        printf("  ...\n");
    for (const std::string &comment : result.comments)
        print_comment(Form::tap, name + ": " + comment);
}

static void print_json(int number, const std::string &name,
                       const std::string &claim, const Result &result) {
    const char *verdict = !result.faults.empty()    ? "not ok"
                          : !result.skipped.empty() ? "skip"
                                                    : "ok";
    printf("{\"number\": %d, \"name\": %s, \"claim\": %s, \"result\": \"%s\", "
           "\"seconds\": %.2f, \"skipped\": %s, \"faults\": [",
           number, quoted(name).c_str(), quoted(claim).c_str(), verdict,
           result.seconds, quoted(result.skipped).c_str());
    const char *before = "";
    for (const auto &[message, evidence] : result.faults) {
        printf("%s{\"message\": %s", before, quoted(message).c_str());
        for (const auto &[key, value] : evidence)
            printf(", %s: %s", quoted(key).c_str(), quoted(value).c_str());
        printf("}");
        before = ", ";
    }
    printf("], \"comments\": [");
    before = "";
    for (const std::string &comment : result.comments) {
        printf("%s%s", before, quoted(comment).c_str());
        before = ", ";
    }
    printf("]}\n");
}

void print_result(Form form, int number, const std::string &name,
                  const std::string &claim, const Result &result) {
    if (form == Form::tap)
        print_tap(number, name, claim, result);
    else
        print_json(number, name, claim, result);
    fflush(stdout);
}
