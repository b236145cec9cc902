// SPDX-License-Identifier: MIT
// told - the history of a record that a test has written. Each line has a
// process ID; the time is put in, a millisecond later each, from 1 s on.
#pragma once

#include <doctest/doctest.h>
#include <ostream>
#include <string>

#include "lifelines/history.h"

struct Told {
    explicit Told(const std::string &lines) {
        int64_t time = at(0);
        for (size_t from = 0; from < lines.size(); time += 1000) {
            size_t end = std::min(lines.find('\n', from), lines.size());
            size_t blank = lines.find(' ', from);
            text += lines.substr(from, blank - from) + " " +
                    std::to_string(time / 1000000) + "." +
                    std::to_string(1000000 + time % 1000000).substr(1) +
                    lines.substr(blank, end - blank) + "\n";
            from = end + 1;
        }
        RecordProblem problem = {};
        REQUIRE_MESSAGE(read_record(text, &record, &problem), problem.what);
        history = history_of(record);
    }
    size_t count(MomentKind kind) const {
        size_t n = 0;
        for (const Moment &moment : history.moments)
            n += moment.kind == kind;
        return n;
    }
    const Moment &first(MomentKind kind) const {
        for (const Moment &moment : history.moments)
            if (moment.kind == kind)
                return moment;
        FAIL("no such moment");
        return history.moments.front();
    }
    const Life &process(size_t i) const {
        REQUIRE(i < history.lives.size());
        return history.lives[i];
    }
    static int64_t at(int line) { // of a line, from 0
        return 1000000 + 1000 * line;
    }

    std::string text; // the views of the others are into it
    Record record;
    History history;
};
