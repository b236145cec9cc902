// SPDX-License-Identifier: MIT
// draw_text - time goes down, a column for each process.
#include <algorithm>
#include <cstdio>

#include "lifelines/draw.h"
#include "lifelines/words.h"

static constexpr size_t terminal_width = 80, time_width = 9, column_width = 3;
static constexpr size_t least_text = 20;

// What is to be seen of LIFE just after TIME.
static const char *sign_of(const Life &life, int64_t time) {
    if (time < life.born || time >= life.gone)
        return " ";
    if (time >= life.ended)
        return "▒";
    auto wait = std::upper_bound(
        life.waits.begin(), life.waits.end(), time,
        [](int64_t at, const Wait &other) { return at < other.from; });
    return wait != life.waits.begin() && time < std::prev(wait)->to ? "│" : "┃";
}

static std::string columns(const History &history, size_t shown, int64_t time,
                           const Moment *moment) {
    bool linked = moment != nullptr && moment->other < shown &&
                  (moment->kind == MomentKind::forks ||
                   moment->kind == MomentKind::reaps ||
                   moment->kind == MomentKind::signal ||
                   moment->kind == MomentKind::sends);
    size_t here = moment == nullptr ? nobody : moment->process;
    size_t from = linked ? std::min(here, moment->other) : here;
    size_t to = linked ? std::max(here, moment->other) : here;
    bool dashed = linked && moment->kind == MomentKind::signal;
    std::string text;
    for (size_t i = 0; i < shown; i++) {
        const char *sign = sign_of(history.lives[i], time);
        if (i == here && moment->kind == MomentKind::ends)
            sign = "┻";
        else if (i == here)
            sign = linked && moment->kind != MomentKind::forks
                       ? (to == here ? "▶" : "◀")
                       : "●";
        else if (linked && i == moment->other)
            sign = moment->kind == MomentKind::forks   ? "┓"
                   : moment->kind == MomentKind::reaps ? "┛"
                                                       : sign;
        else if (linked && i > from && i < to)
            sign = dashed ? "╌" : "━";
        const char *link = dashed ? "╌╌" : "━━";
        text += sign + std::string(linked && i >= from && i < to ? link : "  ");
    }
    return text;
}

std::string draw_text(const History &history, const DrawOptions &options) {
    constexpr size_t columns_fit =
        (terminal_width - time_width - least_text) / column_width;
    size_t shown = std::min({options.most, history.lives.size(), columns_fit});
    size_t room = terminal_width - time_width - column_width * shown;
    std::string text =
        (options.title.empty() ? title_of(history) : options.title) + "\n" +
        "┃ runs  │ waits  ▒ zombie  ┻ ends  ━ fork, reap  ╌ signal\n\n";
    int64_t before = history.begin;
    for (const Moment &moment : history.moments) {
        if (!in_picture(history, moment, shown))
            continue;
        if (moment.time - before >= squeeze_from)
            text +=
                "      ⋮  " +
                columns(history, shown, (before + moment.time) / 2, nullptr) +
                duration(moment.time - before) + "\n";
        before = moment.time;
        char time[32];
        snprintf(time, sizeof time, "%7.3f  ",
                 static_cast<double>(moment.time - history.begin) / 1e6);
        text += time + columns(history, shown, moment.time, &moment) +
                cut(sentence(history, moment), room) + "\n";
    }
    std::string rest = folded(history, shown);
    return text + (rest.empty() ? "" : "and " + rest + "\n");
}
