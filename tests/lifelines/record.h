// SPDX-License-Identifier: MIT
// record - what strace(1) has written, as events. The views are into the text
// that was read, or into what a Record keeps beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <sys/types.h>
#include <vector>

enum class LineKind {
    call,    // from "name(" to "= result"; as an event it is the next two
    begins,  // its beginning, without its result
    returns, // its end
    signal,  // one that is delivered
    ended,   // the process, by itself or by a signal
    note,    // stopped, continued, a word of strace's own
};

struct RecordLine {
    LineKind kind = LineKind::note;
    pid_t pid = 0;         // 0 where the line names none
    int64_t time = -1;     // microseconds since the epoch (-ttt); -1 for none
    int64_t spent = -1;    // microseconds in the call (-T); -1 for none
    std::string_view name; // of the call or the signal; of an end by itself ""
    std::string_view arguments; // without the outer parentheses or braces
    std::string_view result;    // what stands after "= "
    long value = -1; // the number in it, the exit status, or the thread
};

// Reads LINE, without its newline. False: strace has not written it.
bool read_record_line(std::string_view line, RecordLine *parsed);

struct Record {
    // No calls and no notes. No time is before that of the event before it; a
    // call that returns has the whole of its arguments.
    std::vector<RecordLine> events;
    std::vector<std::vector<char>> joined; // those arguments
};

struct RecordProblem {
    size_t line; // from 1
    const char *what;
};

// Reads all of TEXT, which has to outlive RECORD. Where it returns false,
// PROBLEM tells why.
bool read_record(std::string_view text, Record *record, RecordProblem *problem);

// ---- arguments --------------------------------------------------------------

// The Nth argument, from 0; "" where there is none.
std::string_view argument(std::string_view arguments, size_t n);
// What follows KEY in TEXT, as "3" in "si_pid=3, ..." for "si_pid="; "" where
// KEY is not there.
std::string_view text_after(std::string_view text, std::string_view key);
bool contains(std::string_view text, std::string_view part);
// The decimal number that TEXT begins with; OTHERWISE where there is none.
long number_in(std::string_view text, long otherwise = -1);
