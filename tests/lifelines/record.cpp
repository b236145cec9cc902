// SPDX-License-Identifier: MIT
// record - what strace(1) has written, as events.
#include "lifelines/record.h"

#include <algorithm>
#include <charconv>
#include <map>

static constexpr size_t npos = std::string_view::npos;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != npos;
}

std::string_view text_after(std::string_view text, std::string_view key) {
    size_t at = text.find(key);
    return at == npos ? std::string_view() : text.substr(at + key.size());
}

long number_in(std::string_view text, long otherwise) {
    long number = otherwise;
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// Where the bracket that is open at the start is closed, or, with COMMA, where
// the first comma outside of any other bracket is. Brackets in strings do not
// count.
static size_t find_end(std::string_view text, bool comma) {
    int depth = 1;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); i++) {
        char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if (c == '(' || c == '[' || c == '{')
            depth++;
        else if (c == ')' || c == ']' || c == '}')
            depth--;
        if (!in_string && (depth == 0 || (comma && depth == 1 && c == ',')))
            return i;
    }
    return npos;
}

std::string_view argument(std::string_view arguments, size_t n) {
    for (; n > 0; n--) {
        size_t comma = find_end(arguments, true);
        if (comma == npos || arguments[comma] != ',')
            return {};
        arguments.remove_prefix(comma + 1);
    }
    arguments.remove_prefix(
        std::min(arguments.find_first_not_of(' '), arguments.size()));
    return arguments.substr(0, find_end(arguments, true));
}

// ---- a line -----------------------------------------------------------------

static bool skip(std::string_view *text, std::string_view word) {
    if (!text->starts_with(word))
        return false;
    text->remove_prefix(word.size());
    return true;
}

static void skip_blanks(std::string_view *text) {
    text->remove_prefix(std::min(text->find_first_not_of(' '), text->size()));
}

// The digits that TEXT begins with; false where there are none, or too many.
static bool take_number(std::string_view *text, int64_t *number) {
    const char *end = text->data() + text->size();
    auto [rest, error] = std::from_chars(text->data(), end, *number);
    if (error != std::errc() || text->front() == '-')
        return false;
    text->remove_prefix(static_cast<size_t>(rest - text->data()));
    return true;
}

// "SECONDS.MICROSECONDS"; so long ago or so far ahead is nothing recorded.
static bool take_time(std::string_view *text, int64_t *time) {
    std::string_view rest = *text;
    int64_t seconds = 0, fraction = 0;
    if (!take_number(&rest, &seconds) || !skip(&rest, ".") || rest.size() < 6 ||
        seconds > INT64_C(100000000000))
        return false;
    std::string_view digits = rest.substr(0, 6);
    if (!take_number(&digits, &fraction) || !digits.empty())
        return false;
    rest.remove_prefix(6);
    *time = seconds * 1000000 + fraction;
    *text = rest;
    return true;
}

// Takes " <SECONDS>" from the end.
static void take_spent(std::string_view *text, int64_t *spent) {
    size_t at = text->rfind(" <");
    if (at == npos)
        return;
    std::string_view inside = text->substr(at + 2);
    int64_t time = 0;
    if (take_time(&inside, &time) && inside == ">") {
        *spent = time;
        *text = text->substr(0, at);
    }
}

static bool read_result(std::string_view text, RecordLine *parsed) {
    if (!skip(&text, "= "))
        return false;
    take_spent(&text, &parsed->spent);
    parsed->result = text;
    parsed->value = number_in(text);
    return true;
}

// TEXT begins behind the opening parenthesis. What strace has not written to
// its end yet is unfinished, too.
static bool read_call(std::string_view text, RecordLine *parsed) {
    static constexpr std::string_view word = "<unfinished ...>";
    size_t end = text.rfind(word);
    std::string_view rest = end == npos ? "" : text.substr(end + word.size());
    if (end == npos || !(rest.empty() || rest == ") = ?")) {
        end = find_end(text, false);
        rest = end == npos ? "" : text.substr(end + 1);
        skip_blanks(&rest);
        parsed->arguments = text.substr(0, end);
        if (!rest.empty())
            return read_result(rest, parsed);
    }
    text = text.substr(0, end);
    while (text.ends_with(' '))
        text.remove_suffix(1);
    parsed->arguments = text;
    if (parsed->kind == LineKind::call)
        parsed->kind = LineKind::begins;
    return true;
}

static bool is_word(std::string_view text) {
    return !text.empty() && text.find_first_not_of(
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                "UVWXYZ0123456789_") == npos;
}

static bool read_signal(std::string_view text, RecordLine *parsed) {
    if (!text.ends_with(" ---"))
        return false;
    size_t blank = text.find(' ');
    parsed->name = text.substr(0, blank);
    if (parsed->name == "stopped")
        return true; // a note
    size_t brace = text.find('{');
    if (brace != blank + 1 || !is_word(parsed->name))
        return false;
    parsed->kind = LineKind::signal;
    size_t end = find_end(text.substr(brace + 1), false);
    parsed->arguments = text.substr(brace + 1, end);
    return end != npos;
}

static bool read_end(std::string_view text, RecordLine *parsed) {
    if (!text.ends_with(" +++"))
        return false;
    if (skip(&text, "exited with ")) {
        parsed->kind = LineKind::ended;
        parsed->value = number_in(text);
        return parsed->value >= 0;
    }
    if (skip(&text, "killed by ")) {
        parsed->kind = LineKind::ended;
        parsed->name = text.substr(0, text.find(' '));
        return is_word(parsed->name);
    }
    if (!skip(&text, "superseded by execve in pid "))
        return false;
    parsed->value = number_in(text);
    return true;
}

bool read_record_line(std::string_view line, RecordLine *parsed) {
    *parsed = {};
    if (line.starts_with("strace: "))
        return true;
    // -o FILE has "PID "; without it strace writes "[pid PID] ".
    bool brackets = skip(&line, "[pid");
    skip_blanks(&line);
    std::string_view rest = line;
    int64_t number = 0;
    if (take_number(&rest, &number) && number > 0 && number <= INT32_MAX &&
        (brackets ? skip(&rest, "]") : rest.starts_with(' '))) {
        parsed->pid = static_cast<pid_t>(number);
        line = rest;
    } else if (brackets) {
        return false;
    }
    skip_blanks(&line);
    if (take_time(&line, &parsed->time) && !skip(&line, " "))
        return false;

    if (skip(&line, "--- "))
        return read_signal(line, parsed);
    if (skip(&line, "+++ "))
        return read_end(line, parsed);
    if (skip(&line, "<... ")) {
        size_t end = line.find(" resumed>");
        if (end == npos)
            return false;
        parsed->kind = LineKind::returns;
        parsed->name = line.substr(0, end);
        line.remove_prefix(end + sizeof " resumed>" - 1);
    } else {
        size_t end = line.find('(');
        if (end == npos)
            return false;
        parsed->kind = LineKind::call;
        parsed->name = line.substr(0, end);
        line.remove_prefix(end + 1);
    }
    return is_word(parsed->name) && read_call(line, parsed);
}

// ---- all of it --------------------------------------------------------------

// Where the calls that have not returned began, by process.
using Open = std::map<pid_t, RecordLine>;

static const char *add_events(RecordLine line, Open *open, Record *record) {
    std::vector<RecordLine> &events = record->events;
    int64_t latest = events.empty() ? line.time : events.back().time;
    line.time = std::max(latest, line.time);
    auto begun = open->find(line.pid);
    switch (line.kind) {
    case LineKind::note:
        // A thread's execve goes on in the first thread's name.
        if (auto thread = open->find(static_cast<pid_t>(line.value));
            line.value > 0 && thread != open->end())
            open->insert_or_assign(line.pid, RecordLine(thread->second));
        return nullptr;
    case LineKind::signal:
        break;
    case LineKind::ended:
        open->erase(line.pid);
        break;
    case LineKind::begins:
        open->insert_or_assign(line.pid, line);
        break;
    case LineKind::call:
        open->erase(line.pid);
        line.kind = LineKind::begins;
        events.push_back(line);
        line.kind = LineKind::returns;
        line.time += std::max<int64_t>(line.spent, 0);
        break;
    case LineKind::returns:
        if (begun == open->end() || begun->second.name != line.name)
            return "a call is resumed that was not left unfinished";
        std::string_view first = begun->second.arguments;
        std::vector<char> &all =
            record->joined.emplace_back(first.begin(), first.end());
        all.insert(all.end(), line.arguments.begin(), line.arguments.end());
        line.arguments = {all.data(), all.size()};
        open->erase(begun);
        break;
    }
    events.push_back(line);
    return nullptr;
}

bool read_record(std::string_view text, Record *record,
                 RecordProblem *problem) {
    Open open;
    for (size_t number = 1; !text.empty(); number++) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        RecordLine parsed;
        const char *what = nullptr;
        if (line.empty())
            continue;
        if (!read_record_line(line, &parsed))
            what = "not a line of strace's";
        else if (parsed.kind != LineKind::note && parsed.pid == 0)
            what = "no process ID: was -f given to strace, and -o?";
        else if (parsed.kind != LineKind::note && parsed.time == -1)
            what = "no time: was -ttt given to strace?";
        else
            what = add_events(parsed, &open, record);
        if (what != nullptr) {
            *problem = {number, what};
            return false;
        }
    }
    return true;
}
