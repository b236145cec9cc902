// SPDX-License-Identifier: MIT
// words - what both pictures say.
#include "lifelines/words.h"

#include <algorithm>
#include <cstdio>

// The length of the UTF-8 sequence that TEXT begins with; 0 where there is none
// that XML and a terminal may have.
static size_t sequence(std::string_view text) {
    auto byte = [&](size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    unsigned lead = byte(0);
    size_t size = lead < 0x80   ? 1
                  : lead < 0xc2 ? 0
                  : lead < 0xe0 ? 2
                  : lead < 0xf0 ? 3
                  : lead < 0xf5 ? 4
                                : 0;
    unsigned code = size < 2 ? lead : lead & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (byte(i) & 0x3f);
    }
    bool refused = code < 0x20 || (code >= 0x7f && code < 0xa0) ||
                   (size == 3 && code < 0x800) ||
                   (code >= 0xd800 && code < 0xe000) || code == 0xfffe ||
                   code == 0xffff || (size == 4 && code < 0x10000) ||
                   code > 0x10ffff;
    return refused ? 0 : size;
}

std::string clean(std::string_view text) {
    std::string cleaned;
    while (!text.empty()) {
        size_t size = sequence(text);
        cleaned += size == 0 ? "\u00b7" : text.substr(0, size);
        text.remove_prefix(std::max<size_t>(size, 1));
    }
    return cleaned;
}

size_t characters(std::string_view text) {
    return static_cast<size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string cut(const std::string &text, size_t most) {
    if (characters(text) <= most)
        return text;
    size_t at = 0;
    for (size_t n = 0; n + 1 < most; n++)
        at += sequence(std::string_view(text).substr(at));
    return text.substr(0, at) + "\u2026";
}

// Takes what stands for one byte from TEXT, which is not empty.
static char take_byte(std::string_view *text) {
    static constexpr std::string_view letters = "abtnvfr";
    char c = text->front();
    text->remove_prefix(1);
    if (c != '\\' || text->empty())
        return c;
    unsigned value = 0;
    size_t n = 0;
    for (; n < 3 && n < text->size() && (*text)[n] >= '0' && (*text)[n] < '8';
         n++)
        value = value * 8 + static_cast<unsigned>((*text)[n] - '0');
    if (n == 0) {
        size_t letter = letters.find(text->front());
        value = letter == letters.npos
                    ? static_cast<unsigned char>(text->front())
                    : static_cast<unsigned>('\a' + letter);
        n = 1;
    }
    text->remove_prefix(n);
    return static_cast<char>(value);
}

std::string unquoted(std::string_view text, std::string_view between,
                     size_t most) {
    std::string all;
    for (size_t quote = 0; (quote = text.find('"')) != text.npos;) {
        text.remove_prefix(quote + 1);
        std::string bytes;
        while (!text.empty() && text.front() != '"')
            bytes += take_byte(&text);
        text.remove_prefix(std::min<size_t>(1, text.size()));
        if (text.starts_with("..."))
            bytes += "\u2026";
        else if (bytes.ends_with('\n'))
            bytes.pop_back();
        all += (all.empty() ? "" : std::string(between)) + bytes;
        if (all.size() > 4 * most)
            break;
    }
    for (size_t at = 0; (at = all.find('\n', at)) != all.npos;)
        all.replace(at, 1, " \u23ce ");
    return cut(clean(all), most);
}

std::string duration(int64_t microseconds) {
    char text[32];
    double time = static_cast<double>(microseconds);
    if (microseconds < 1000)
        snprintf(text, sizeof text, "%.0f \u00b5s", time);
    else if (microseconds < 100000)
        snprintf(text, sizeof text, "%.1f ms", time / 1e3);
    else
        snprintf(text, sizeof text, "%.1f s", time / 1e6);
    return text;
}

std::string name_of(const Life &life) {
    return clean(life.name) + (life.name.empty() ? "" : " ") +
           std::to_string(life.pid);
}

std::string end_of(const Life &life) {
    return life.killed.empty() ? "exit " + std::to_string(life.status)
                               : clean(life.killed);
}

std::string socket_name(const Socket &socket) {
    static const char *const roles[] = {"socket", "listener", "connection of",
                                        "connection to"};
    std::string port =
        socket.port > 0 ? " :" + std::to_string(socket.port) : "";
    return port.empty() && socket.role > Socket::listener
               ? "connection"
               : roles[socket.role] + port;
}

std::string title_of(const History &history) {
    for (const Moment &moment : history.moments)
        if (moment.kind == MomentKind::executes)
            return unquoted(moment.text, " ", 70);
    return "a record";
}

static std::string pid_of(const History &history, size_t life) {
    return std::to_string(history.lives[life].pid);
}

std::string signal_name(const Moment &signal) {
    bool from_outside = signal.number > 0 && signal.other == nobody;
    return clean(signal.text) + (from_outside ? " from outside" : "");
}

std::string left_to(const History &history, const Moment &adopted) {
    return "left to " + (adopted.other == nobody
                             ? "process 1"
                             : pid_of(history, adopted.other));
}

static std::string signal_sentence(const History &history,
                                   const Moment &moment) {
    std::string text = " gets " + signal_name(moment);
    if (moment.other != nobody)
        text += " from " + pid_of(history, moment.other);
    if (moment.handled != -1)
        text += "; its handler runs";
    else if (moment.text == "SIGCHLD")
        text += ", and ignores it";
    if (moment.sent != -1 && moment.time - moment.sent >= 1000)
        text += ", " + duration(moment.time - moment.sent) + " later";
    return text;
}

static std::string socket_of(const History &history, const Moment &moment) {
    return moment.socket == nobody
               ? "standard input"
               : socket_name(history.sockets[moment.socket]);
}

static std::string alarm_sentence(const Moment &moment) {
    return moment.number == 0
               ? " cancels its alarm"
               : " sets an alarm of " + std::to_string(moment.number) + " s";
}

std::string sentence(const History &history, const Moment &moment) {
    const Life &life = history.lives[moment.process];
    std::string who = name_of(life);
    bool in_record = moment.other != nobody;
    std::string other = in_record ? pid_of(history, moment.other) : "";
    std::string socket = socket_of(history, moment);
    switch (moment.kind) {
    case MomentKind::starts:
        return who + " starts";
    case MomentKind::forks:
        return who + " forks " + other;
    case MomentKind::executes:
        return who + " executes " + unquoted(moment.text, " ", 40);
    case MomentKind::reads:
        return who + " reads " +
               (moment.text.empty() ? "the end"
                                    : unquoted(moment.text, "", 24)) +
               " from " + socket;
    case MomentKind::writes:
        return who + " writes " + unquoted(moment.text, "", 44) +
               (moment.socket == nobody ? "" : " to " + socket);
    case MomentKind::shuts:
        return who + " shuts down " + socket;
    case MomentKind::alarm:
        return who + alarm_sentence(moment);
    case MomentKind::sends:
        return who + " sends " + clean(moment.text) +
               (in_record ? " to " + other : "");
    case MomentKind::signal:
        return who + signal_sentence(history, moment);
    case MomentKind::opens:
        return who + " opens " + socket;
    case MomentKind::closes:
        return who + " closes " + socket;
    case MomentKind::ends:
        return who + " ends: " + end_of(life) +
               (life.gone == life.ended ? "" : ": a zombie");
    case MomentKind::adopted:
        return who + " is " + left_to(history, moment);
    case MomentKind::asks:
        return who + " asks: no child has ended";
    case MomentKind::reaps:
        return who + " reaps " + other + ": " +
               end_of(history.lives[moment.other]);
    case MomentKind::vanishes:
        return who + " is reaped by process 1";
    }
    return "";
}

bool in_picture(const History &history, const Moment &moment, size_t shown) {
    bool of_other = moment.kind == MomentKind::forks ||
                    moment.kind == MomentKind::reaps ||
                    moment.kind == MomentKind::signal;
    return moment.process < shown &&
           (!of_other || moment.other == nobody || moment.other < shown) &&
           (moment.socket == nobody ||
            history.sockets[moment.socket].role != Socket::unused);
}

std::string folded(const History &history, size_t shown) {
    size_t all = history.lives.size(), reaped = 0, zombies = 0;
    if (all <= shown)
        return "";
    for (size_t i = shown; i < all; i++) {
        reaped += history.lives[i].reaper != nobody;
        zombies +=
            history.lives[i].ended != never && history.lives[i].gone == never;
    }
    return std::to_string(all - shown) + " more: " + std::to_string(reaped) +
           " reaped, " + std::to_string(zombies) + " left as zombies";
}
