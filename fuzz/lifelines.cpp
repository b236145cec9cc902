// SPDX-License-Identifier: MIT
// lifelines - records of strace's, which may come from strangers. Oracles: a
// line that is written anew from its parts is read as the same; a call returns
// to the process that made it; what holds of the lives in every run: nobody is
// reaped before its end, waits and holds have an order; and nothing of the
// record is markup in its picture, or controls the terminal.
#include <stdint.h>
#include <stdio.h>
#include <string_view>
#include <vector>

#include "input.h"
#include "lifelines/draw.h"

// ---- a line -----------------------------------------------------------------

static bool inside(std::string_view part, std::string_view whole) {
    return part.empty() ||
           (part.data() >= whole.data() &&
            part.data() + part.size() <= whole.data() + whole.size());
}

// What the kind of LINE must look like, without a word of how it is read.
static void check_line(std::string_view line, const RecordLine &parsed) {
    must(inside(parsed.name, line));
    must(inside(parsed.arguments, line));
    must(inside(parsed.result, line));
    must(parsed.pid >= 0);
    must(parsed.time >= -1);
    must(parsed.spent >= -1);
    switch (parsed.kind) {
    case LineKind::call:
        must(line.find('(') != line.npos && line.find("= ") != line.npos);
        must(!parsed.name.empty());
        must(parsed.name.find_first_of("( <.") == parsed.name.npos);
        break;
    case LineKind::begins:
        must(!parsed.name.empty() && parsed.result.empty());
        break;
    case LineKind::returns:
        must(line.find("<... ") != line.npos);
        must(line.find(" resumed>") != line.npos);
        break;
    case LineKind::signal:
        must(line.ends_with(" ---") && line.find('{') != line.npos);
        must(!parsed.name.empty());
        break;
    case LineKind::ended:
        must(line.ends_with(" +++"));
        must(parsed.name.empty() == (parsed.value >= 0));
        break;
    case LineKind::note:
        break;
    }
    // Nothing is lost of an argument, or taken twice.
    size_t commas = 0;
    for (char c : parsed.arguments)
        commas += c == ',';
    must(argument(parsed.arguments, commas + 1).empty());
    for (size_t i = 0; i <= commas; i++)
        must(inside(argument(parsed.arguments, i), parsed.arguments));
}

// Not a string: MSan does not see what the C++ library's functions write.
typedef std::vector<char> Text;

static void add(Text *line, std::string_view part) {
    line->insert(line->end(), part.begin(), part.end());
}

static void add_number(Text *line, long number) {
    char digits[32];
    snprintf(digits, sizeof digits, "%ld", number);
    add(line, digits);
}

// In seconds, as strace writes it.
static void add_time(Text *line, int64_t time) {
    char text[48];
    snprintf(text, sizeof text, "%lld.%06lld", time / 1000000LL,
             time % 1000000LL);
    add(line, text);
}

static void add_call(Text *line, const RecordLine &parsed) {
    bool resumed = parsed.kind == LineKind::returns;
    add(line, resumed ? "<... " : "");
    add(line, parsed.name);
    add(line, resumed ? " resumed>" : "(");
    add(line, parsed.arguments);
    // A resumed call that a kill has cut has no result either.
    if (parsed.kind == LineKind::begins || parsed.result.empty()) {
        add(line, " <unfinished ...>");
        return;
    }
    add(line, ") = ");
    add(line, parsed.result);
    if (parsed.spent != -1) {
        add(line, " <");
        add_time(line, parsed.spent);
        add(line, ">");
    }
}

// As strace would have written it.
static Text written_line(const RecordLine &parsed) {
    Text line;
    if (parsed.pid != 0) {
        add_number(&line, parsed.pid);
        add(&line, " ");
    }
    if (parsed.time != -1) {
        add_time(&line, parsed.time);
        add(&line, " ");
    }
    if (parsed.kind == LineKind::signal) {
        add(&line, "--- ");
        add(&line, parsed.name);
        add(&line, " {");
        add(&line, parsed.arguments);
        add(&line, "} ---");
    } else if (parsed.kind == LineKind::ended) {
        add(&line, "+++ ");
        add(&line, parsed.name.empty() ? "exited with " : "killed by ");
        if (parsed.name.empty())
            add_number(&line, parsed.value);
        add(&line, parsed.name);
        add(&line, " +++");
    } else {
        add_call(&line, parsed);
    }
    return line;
}

static void check_again(const RecordLine &parsed) {
    // Of a call whose result is missing only that much can be told.
    bool half =
        parsed.kind == LineKind::call || parsed.kind == LineKind::returns;
    if ((half && parsed.result.empty()) || parsed.kind == LineKind::note)
        return;
    Text line = written_line(parsed);
    RecordLine again;
    must(read_record_line({line.data(), line.size()}, &again));
    must(again.kind == parsed.kind);
    must(again.pid == parsed.pid && again.time == parsed.time);
    must(again.name == parsed.name);
    must(again.arguments == parsed.arguments);
    must(again.result == parsed.result && again.spent == parsed.spent);
    must(again.value == parsed.value);
}

// ---- all lines --------------------------------------------------------------

static void check_events(const Record &record) {
    for (size_t i = 0; i < record.events.size(); i++) {
        const RecordLine &event = record.events[i];
        must(event.pid > 0);
        must(i == 0 || event.time >= record.events[i - 1].time);
        if (event.kind != LineKind::returns || event.name == "execve")
            continue;
        // The last that its process was seen to do was to begin this call, or
        // to get signals meanwhile.
        size_t begun = i;
        while (begun-- > 0)
            if (record.events[begun].pid == event.pid &&
                record.events[begun].kind == LineKind::begins)
                break;
        must(begun < i && record.events[begun].name == event.name);
    }
}

static void check_history(const Record &record, const History &history) {
    must(history.lives.size() <= 2 * record.events.size());
    for (size_t i = 0; i < history.lives.size(); i++) {
        const Life &life = history.lives[i];
        must(i == 0 || life.born >= history.lives[i - 1].born);
        must(life.parent == nobody || life.parent < i);
        must(life.born <= life.ended && life.ended <= life.gone);
        must(life.reaper == nobody || life.gone != never);
        must(life.gone == never || life.ended != never);
        int64_t before = life.born;
        for (const Wait &wait : life.waits) {
            must(wait.from >= before && wait.to >= wait.from);
            before = wait.to;
        }
        for (const Hold &hold : life.holds) {
            must(hold.socket < history.sockets.size());
            must(hold.from >= life.born && hold.from <= hold.to);
            must(life.ended == never || hold.to <= life.ended);
        }
    }
    int64_t before = history.begin;
    for (const Moment &moment : history.moments) {
        must(moment.time >= before && moment.time <= history.end);
        must(moment.process < history.lives.size());
        must(moment.other == nobody || moment.other < history.lives.size());
        must(moment.socket == nobody || moment.socket < history.sockets.size());
        must(moment.sent <= moment.time);
        must(moment.handled == -1 || moment.handled >= moment.time);
        // Once, that is.
        if (moment.kind == MomentKind::reaps)
            must(history.lives[moment.other].gone == moment.time &&
                 history.lives[moment.other].reaper == moment.process);
        before = moment.time;
    }
}

// Not with MemorySanitizer, where std::string is not compiled with it: what the
// C++ library writes would count as uninitialized.
#ifdef __clang__
#define HAS_MSAN __has_feature(memory_sanitizer)
#else
#define HAS_MSAN 0
#endif

static void check_pictures(const History &history) {
    std::string svg = draw_svg(history, {}), text = draw_text(history, {});
    std::vector<std::string> open; // tags
    for (size_t at = 0; (at = svg.find('<', at)) != svg.npos; at++) {
        size_t end = svg.find('>', at);
        must(end != svg.npos);
        std::string tag = svg.substr(at + 1, end - at - 1);
        std::string name = tag.substr(0, tag.find_first_of(" \n"));
        if (name.starts_with('/')) {
            must(!open.empty() && "/" + open.back() == name);
            open.pop_back();
        } else if (!tag.ends_with('/')) {
            open.push_back(name);
        }
    }
    must(open.empty());
    for (char c : svg + text)
        must(c == '\n' || (c & 0x80) != 0 || (c >= 0x20 && c != 0x7f));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        RecordLine parsed;
        if (read_record_line(line, &parsed))
            check_line(line, parsed), check_again(parsed);
        rest.remove_prefix(smaller(line.size() + 1, rest.size()));
    }

    Record record;
    RecordProblem problem = {0, nullptr};
    if (read_record(text, &record, &problem)) {
        check_events(record);
        History history = history_of(record);
        check_history(record, history);
        if (!HAS_MSAN)
            check_pictures(history);
    } else {
        must(problem.line > 0 && problem.what != nullptr);
    }
    return 0;
}
