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

void print_comment(Form form, const std::string &text) {
    for (const std::string &line : lines_of(text))
        if (form == Form::tap)
            printf("# %s\n", line.c_str());
        else
            printf("{\"comment\": %s}\n", quoted(line).c_str());
}

static void print_tap(int number, const std::string &name,
                      const std::string &claim, const Result &result) {
    bool good = result.faults.empty();
    printf("%s %d - %s: %s%s%s\n", good ? "ok" : "not ok", number, name.c_str(),
           claim.c_str(), result.skipped.empty() ? "" : " # SKIP ",
           result.skipped.c_str());
    if (!good)
        printf("  ---\n  found:\n");
    for (const Evidence &fault : result.faults)
        for (const auto &[key, value] : fault)
            printf("    %s %s: %s\n", key == "message" ? "-" : " ", key.c_str(),
                   quoted(value).c_str());
    if (!good)
        printf("  ...\n");
    for (const std::string &comment : result.comments)
        print_comment(Form::tap, name + ": " + comment);
}

// ---- JSON -------------------------------------------------------------------

template <typename Item>
static std::string joined(const std::vector<Item> &items,
                          std::string (*text_of)(const Item &)) {
    std::string text;
    for (const Item &item : items)
        text += (text.empty() ? "" : ", ") + text_of(item);
    return text;
}

static std::string member(const Evidence::value_type &entry) {
    return quoted(entry.first) + ": " + quoted(entry.second);
}

static std::string object(const Evidence &fault) {
    return "{" + joined(fault, member) + "}";
}

static void print_json(int number, const std::string &name,
                       const std::string &claim, const Result &result) {
    const char *verdict = !result.faults.empty()    ? "not ok"
                          : !result.skipped.empty() ? "skip"
                                                    : "ok";
    printf("{\"number\": %d, \"name\": %s, \"claim\": %s, \"result\": \"%s\", "
           "\"seconds\": %.2f, \"skipped\": %s, \"faults\": [%s], "
           "\"comments\": [%s]}\n",
           number, quoted(name).c_str(), quoted(claim).c_str(), verdict,
           result.seconds, quoted(result.skipped).c_str(),
           joined(result.faults, object).c_str(),
           joined(result.comments, quoted).c_str());
}

void print_result(Form form, int number, const std::string &name,
                  const std::string &claim, const Result &result) {
    (form == Form::tap ? print_tap : print_json)(number, name, claim, result);
    fflush(stdout);
}
