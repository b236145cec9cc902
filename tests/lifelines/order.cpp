// SPDX-License-Identifier: MIT
// order - what each process in a record does, in order, and which signals it
// gets; without what differs from run to run: times, process IDs, ports.
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "lifelines/words.h"

static std::string without_numbers(const std::string &text) {
    std::string plain;
    for (size_t i = 0; i < text.size(); i++)
        if (isdigit(static_cast<unsigned char>(text[i])) == 0)
            plain += text[i];
        else if (plain.empty() || plain.back() != 'N')
            plain += 'N';
    return plain;
}

// The status that a child gives is the program's own.
static std::string line_of(const History &history, const Moment &moment) {
    Moment bare = moment;
    bare.sent = -1;
    std::string text = without_numbers(sentence(history, bare));
    if (moment.kind == MomentKind::reaps)
        text += " (" + end_of(history.lives[moment.other]) + ")";
    if (moment.kind == MomentKind::ends)
        text += " (" + end_of(history.lives[moment.process]) + ")";
    return text;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    std::ifstream file(argv[1]);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    Record record;
    RecordProblem problem = {};
    if (!read_record(text, &record, &problem)) {
        fprintf(stderr, "%s:%zu: %s\n", argv[1], problem.line, problem.what);
        return 1;
    }
    History history = history_of(record);
    size_t all = history.lives.size();
    for (size_t i = 0; i < all; i++)
        // A signal comes between any two acts.
        for (bool signals : {false, true})
            for (const Moment &moment : history.moments)
                if (moment.process == i && in_picture(history, moment, all) &&
                    (moment.kind == MomentKind::signal) == signals)
                    printf("%zu: %s\n", i, line_of(history, moment).c_str());
    return all == 0;
}
