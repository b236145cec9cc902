// SPDX-License-Identifier: MIT
// draw_svg - a lane for each process, time to the right.
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <map>

#include "lifelines/draw.h"
#include "lifelines/words.h"

// In user units, which are pixels at the width of 900.
static constexpr int picture_width = 900, left = 150, right = 880;
static constexpr int row_height = 15, bar_height = 14;
static constexpr size_t most_labels = 60, most_bars = 8; // of a lane

static const char style[] = R"svg(<style>
svg{background:#fff;font:12px sans-serif}
text{fill:#222}.h{font-size:15px;font-weight:bold}.b{font-weight:bold}
.l{paint-order:stroke;stroke:#fff;stroke-width:3px}
.s{fill:#666;font-size:11px}.e{text-anchor:end}.m{text-anchor:middle}
.run{stroke:#222;stroke-width:6}.wait{stroke:#222;stroke-width:1.5}
.ax{stroke:#999;fill:none}.brk{stroke:#999;stroke-dasharray:1 3}
.fork{stroke:#222;fill:none}.forkh{fill:#222}
.reap{stroke:#087f3f;fill:none;stroke-width:1.5}.reaph,.reapt{fill:#087f3f}
.sig{stroke:#7a28b8;fill:none;stroke-dasharray:5 3}.sigh,.sigt{fill:#7a28b8}
.sigo{stroke:#7a28b8;fill:#fff;stroke-width:1.5}
.z{fill:url(#hatch);stroke:#c62828}.hatch{stroke:#c62828;stroke-width:2}
.zt{fill:#c62828;font-weight:bold}
.out{fill:#222;font-family:monospace;font-size:11px}.lead{stroke:#bbb}
.c0{fill:#1565c0}.c1{fill:#c77700}.c2{fill:#00838f}.c3{fill:#ad1457}
.c4{fill:#558b2f}.end{stroke:#222;stroke-width:2}
@media(prefers-color-scheme:dark){svg{background:#16181c}
text,.out,.forkh{fill:#ddd}.l{stroke:#16181c}.s{fill:#9a9a9a}.run,.wait,.fork,.end{stroke:#ddd}
.lead{stroke:#555}.reap{stroke:#4cc380}.reaph,.reapt{fill:#4cc380}
.sig{stroke:#c792ea}.sigh,.sigt{fill:#c792ea}.sigo{stroke:#c792ea;fill:#16181c}
.z,.hatch{stroke:#ff6b6b}.zt{fill:#ff6b6b}.c0{fill:#64a8f0}.c1{fill:#ffb74d}
.c2{fill:#4dd0e1}.c3{fill:#f06292}.c4{fill:#9ccc65}}
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"
patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>
)svg";

static std::string xml(std::string_view text) {
    std::string escaped;
    for (char c : clean(text))
        if (c == '<')
            escaped += "&lt;";
        else if (c == '&')
            escaped += "&amp;";
        else if (c == '>')
            escaped += "&gt;";
        else
            escaped += c;
    return escaped;
}

// Where each time is from left to right: what happens needs room, however soon
// it follows, and what takes long is squeezed.
class Axis {
  public:
    explicit Axis(std::vector<int64_t> times) : times_(std::move(times)) {
        std::sort(times_.begin(), times_.end());
        times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
        at_.push_back(0);
        for (size_t i = 1; i < times_.size(); i++) {
            double gap = static_cast<double>(times_[i] - times_[i - 1]);
            at_.push_back(at_.back() + 4 + 8 * std::log2(1 + gap / 300));
        }
        double scale = (right - left) / std::max(at_.back(), 1.0);
        for (double &x : at_)
            x = left + x * scale;
    }

    double x(int64_t time) const {
        auto next = std::lower_bound(times_.begin(), times_.end(), time);
        if (next == times_.end())
            return right;
        return at_[static_cast<size_t>(next - times_.begin())];
    }

    const std::vector<int64_t> &times() const {
        return times_;
    }

  private:
    std::vector<int64_t> times_;
    std::vector<double> at_;
};

// As wide as it is in most fonts, or wider.
static double width_of(const std::string &text) {
    double width = 0;
    for (char c : text)
        width += (c & 0xc0) == 0x80     ? 0
                 : (c & 0xf0) == 0xe0   ? 12
                 : c >= 'A' && c <= 'Z' ? 8.2
                                        : 6.7;
    return width;
}

struct Label {
    double at; // what it is about
    const char *kind;
    std::string text;
    double x = 0;
    int row = 0;
};

// Texts in rows, so that none covers another.
class Labels {
  public:
    void add(double at, const char *kind, const std::string &text) {
        if (all.size() < most_labels)
            all.push_back({at, kind, text});
        else
            left_out++;
    }
    // From left to right, or with BACKWARDS so that no text is in the way of an
    // earlier one's lead.
    void place(bool backwards) {
        if (backwards)
            std::reverse(all.begin(), all.end());
        for (Label &label : all) {
            double width = width_of(label.text);
            label.x = std::min(label.at, right - width);
            double from = std::min(label.x, label.at) - 2;
            size_t row = 0;
            while (row < taken_.size() &&
                   !fits(taken_[row], from, label.x + width))
                row++;
            if (row == taken_.size())
                taken_.emplace_back();
            taken_[row].push_back({from, label.x + width});
            label.row = static_cast<int>(row);
        }
    }
    int height() const {
        return static_cast<int>(taken_.size()) * row_height;
    }

    std::vector<Label> all;
    int left_out = 0;

  private:
    static bool fits(const std::vector<std::pair<double, double>> &taken,
                     double from, double to) {
        return std::all_of(taken.begin(), taken.end(), [&](auto &other) {
            return to + 4 <= other.first || from >= other.second + 4;
        });
    }
    std::vector<std::vector<std::pair<double, double>>> taken_;
};

struct Lane {
    Labels above, below;
    std::vector<size_t> sockets; // those it has bars for
    int line = 0, bars = 0, bottom = 0;
    int holds_left_out = 0;
};

class Picture {
  public:
    Picture(const History &history, const DrawOptions &options)
        : history_(history),
          shown_(std::min(options.most, history.lives.size())), axis_(times()),
          lanes_(shown_),
          title_(options.title.empty() ? title_of(history) : options.title) {
    }

    std::string draw() {
        for (const Moment &moment : history_.moments)
            if (in_picture(history_, moment, shown_)) {
                label_above(moment, &lanes_[moment.process].above);
                label_below(moment, &lanes_[moment.process].below);
            }
        int y = 34;
        for (Lane &lane : lanes_) {
            label(history_.lives[static_cast<size_t>(&lane - &lanes_[0])],
                  &lane);
            lane.line = y + lane.above.height() + 12;
            lane.bars = lane.line + 13 + lane.below.height();
            lane.bottom =
                lane.bars + static_cast<int>(lane.sockets.size()) * bar_height;
            y = lane.bottom + 14;
        }
        axis_line(y);
        for (size_t i = 0; i < shown_; i++)
            lane(i);
        for (const Moment &moment : history_.moments)
            if (in_picture(history_, moment, shown_))
                arrow(moment);
        for (size_t i = 0; i < shown_; i++)
            texts(lanes_[i]);
        legend(y + 34);
        return head(y + (history_.lives.size() > shown_ ? 64 : 46)) + body_ +
               "</svg>\n";
    }

  private:
    [[gnu::format(printf, 2, 3)]] void add(const char *format, ...) {
        char text[512];
        va_list words;
        va_start(words, format);
        vsnprintf(text, sizeof text, format, words);
        va_end(words);
        body_ += text;
    }

    static const char *colour(size_t socket) {
        static const char *const colours[] = {"c0", "c1", "c2", "c3", "c4"};
        return socket == nobody ? "s" : colours[socket % 5];
    }

    bool has_bar(const Hold &hold) const {
        return history_.sockets[hold.socket].role != Socket::unused;
    }

    // Every time that needs a position.
    std::vector<int64_t> times() const {
        std::vector<int64_t> times = {history_.begin, history_.end};
        for (const Moment &moment : history_.moments)
            if (in_picture(history_, moment, shown_))
                times.push_back(moment.time);
        for (size_t i = 0; i < shown_; i++)
            for (const Wait &wait : history_.lives[i].waits) {
                times.push_back(wait.from);
                times.push_back(std::min(wait.to, history_.end));
            }
        return times;
    }

    // ---- texts --------------------------------------------------------------

    // What it does.
    void label_above(const Moment &moment, Labels *above) {
        double x = axis_.x(moment.time);
        const char *kind = colour(moment.socket);
        switch (moment.kind) {
        case MomentKind::writes:
            if (moment.socket == nobody)
                above->add(x + 3, "out", unquoted(moment.text, "", 70));
            else
                above->add(x + 3, kind,
                           "\u2192 " + unquoted(moment.text, "", 24));
            break;
        case MomentKind::reads:
            above->add(x + 3, kind,
                       "\u2190 " + (moment.text.empty()
                                        ? "end of file"
                                        : unquoted(moment.text, "", 24)));
            break;
        case MomentKind::shuts:
            above->add(x + 3, kind, "shutdown");
            break;
        case MomentKind::signal:
            above->add(x + 3, "sigt", signal_name(moment));
            break;
        case MomentKind::executes:
            if (moment.process > 0 ||
                moment.time > history_.begin + squeeze_from)
                above->add(x + 3, "b",
                           "exec " + unquoted(moment.text, " ", 30));
            break;
        default:
            break;
        }
    }

    // What becomes of it and its children.
    void label_below(const Moment &moment, Labels *below) {
        double x = axis_.x(moment.time);
        switch (moment.kind) {
        case MomentKind::forks:
            below->add(x + 3, "s", "fork");
            break;
        case MomentKind::reaps:
            below->add(x + 5, "reapt", "reap");
            break;
        case MomentKind::asks:
            below->add(x, "reapt", "none has ended");
            break;
        case MomentKind::alarm:
            below->add(x, "sigt",
                       moment.number == 0
                           ? "no alarm"
                           : "alarm " + std::to_string(moment.number) + " s");
            break;
        case MomentKind::adopted:
            if (moment.time < history_.lives[moment.process].ended)
                below->add(x, "s", left_to(history_, moment));
            break;
        case MomentKind::vanishes:
            below->add(x, "reapt", "process 1 reaps it");
            break;
        default:
            break;
        }
    }

    void label(const Life &life, Lane *lane) {
        for (const Wait &wait : life.waits) {
            std::string call(wait.call);
            double from = axis_.x(wait.from), to = axis_.x(wait.to);
            if (to - from >= width_of(call))
                lane->below.add((from + to - width_of(call)) / 2, "s", call);
        }
        if (life.ended != never)
            lane->below.add(axis_.x(life.ended) + 2, "b", end_of(life));
        if (int64_t until = std::min(life.gone, history_.end);
            until > life.ended)
            lane->below.add(axis_.x(life.ended) + 2, "zt",
                            "zombie " + duration(until - life.ended) +
                                (life.gone == never ? ", never reaped" : ""));
        for (const Hold &hold : life.holds) {
            auto known = std::find(lane->sockets.begin(), lane->sockets.end(),
                                   hold.socket);
            if (!has_bar(hold) || known != lane->sockets.end())
                continue;
            if (lane->sockets.size() < most_bars)
                lane->sockets.push_back(hold.socket);
            else
                lane->holds_left_out++;
        }
        lane->holds_left_out += life.unfollowed;
        lane->above.place(true);
        lane->below.place(false);
    }

    void texts(const Lane &lane) {
        auto y_above = [&](const Label &label) {
            return lane.line - 12 - label.row * row_height;
        };
        for (const Label &label : lane.above.all)
            add("<path class=\"lead\" d=\"M%.1f %dV%d\"/>\n", label.at - 3,
                lane.line - 4, y_above(label) - 8);
        for (const Label &label : lane.above.all)
            text(label, y_above(label));
        for (const Label &label : lane.below.all)
            text(label, lane.line + 18 + label.row * row_height);
    }

    void text(const Label &label, int y) {
        add("<text class=\"l %s\" x=\"%.1f\" y=\"%d\">", label.kind, label.x,
            y);
        body_ += xml(label.text) + "</text>\n";
    }

    // ---- lanes --------------------------------------------------------------

    void line(const char *kind, int64_t from, int64_t to, int y,
              const std::string &title) {
        double begin = axis_.x(from), end = axis_.x(to);
        if (end - begin < 0.1)
            return;
        add("<path class=\"%s\" d=\"M%.1f %dH%.1f\"><title>", kind, begin, y,
            end);
        body_ += xml(title) + "</title></path>\n";
    }

    void lane(size_t i) {
        const Life &life = history_.lives[i];
        const Lane &lane = lanes_[i];
        std::string who = name_of(life);
        std::string threads =
            life.threads == 0
                ? ""
                : " +" + std::to_string(life.threads) + " threads";
        std::string pid = " " + std::to_string(life.pid);
        add("<text class=\"b\" x=\"8\" y=\"%d\">", lane.line + 4);
        body_ += xml(cut(clean(life.name), 19 - pid.size()) + pid + threads) +
                 "</text>\n";
        int labels = lane.above.left_out + lane.below.left_out;
        if (labels + lane.holds_left_out > 0)
            add("<text class=\"s\" x=\"8\" y=\"%d\">+%d texts, %d "
                "sockets</text>\n",
                lane.line + 18, labels, lane.holds_left_out);
        int64_t at = life.born;
        for (const Wait &wait : life.waits) {
            line("run", at, wait.from, lane.line, who + " runs");
            int64_t to = std::min(wait.to, history_.end);
            line("wait", wait.from, to, lane.line,
                 who + " waits in " + std::string(wait.call) + " for " +
                     duration(to - wait.from));
            at = to;
        }
        line("run", at, std::min(life.ended, history_.end), lane.line,
             who + " runs");
        if (life.ended != never) {
            double x = axis_.x(life.ended);
            int64_t until = std::min(life.gone, history_.end);
            if (until > life.ended) {
                add("<rect class=\"z\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
                    "height=\"12\"><title>",
                    x, lane.line - 6, std::max(axis_.x(until) - x, 2.0));
                body_ += xml(who + " is a zombie for " +
                             duration(until - life.ended)) +
                         "</title></rect>\n";
            }
            add("<path class=\"end\" d=\"M%.1f %dv16\"/>\n", x, lane.line - 8);
        }
        bars(life, lane);
    }

    void bars(const Life &life, const Lane &lane) {
        for (size_t row = 0; row < lane.sockets.size(); row++) {
            size_t socket = lane.sockets[row];
            int y = lane.bars + static_cast<int>(row) * bar_height;
            std::string name = socket_name(history_.sockets[socket]);
            add("<text class=\"s e\" x=\"%d\" y=\"%d\">", left - 8, y + 9);
            body_ += xml(name) + "</text>\n";
            for (const Hold &hold : life.holds) {
                if (hold.socket != socket)
                    continue;
                double from = axis_.x(hold.from), to = axis_.x(hold.to);
                add("<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
                    "height=\"7\" rx=\"2\"><title>",
                    colour(socket), from, y + 2, std::max(to - from, 1.5));
                body_ += xml(name_of(life) + " holds " + name +
                             " as descriptor " + std::to_string(hold.fd)) +
                         "</title></rect>\n";
                if (hold.to < life.ended && to + 34 < picture_width) {
                    add("<text class=\"s\" x=\"%.1f\" y=\"%d\">close</text>\n",
                        to + 3, y + 9);
                }
            }
        }
    }

    // ---- arrows -------------------------------------------------------------

    void arrow(const char *kind, double x, int y, double to_x, int to_y,
               const std::string &title) {
        int tip = to_y > y ? -6 : 6, end = to_y + (to_y > y ? -5 : 5);
        add("<g><path class=\"%s\" d=\"M%.1f %dL%.1f %d\"/>", kind, x, y, to_x,
            end);
        add("<path class=\"%sh\" d=\"M%.1f %dl-3.5 %dh7z\"/><title>", kind,
            to_x, end + (tip < 0 ? 1 : -1), tip);
        body_ += xml(title) + "</title></g>\n";
    }

    void arrow(const Moment &moment) {
        bool other_shown = moment.other < shown_;
        double x = axis_.x(moment.time);
        int y = lanes_[moment.process].line;
        int other = other_shown ? lanes_[moment.other].line : y;
        std::string title = sentence(history_, moment);
        if (moment.kind == MomentKind::forks && other_shown) {
            arrow("fork", x, y, x, other, title);
        } else if (moment.kind == MomentKind::reaps && other_shown) {
            arrow("reap", x, other, x, y, title);
        } else if (moment.kind == MomentKind::signal) {
            double from =
                axis_.x(moment.sent == -1 ? moment.time : moment.sent);
            if (other_shown && moment.other != moment.process)
                arrow("sig", from, other, x, y, title);
            else if (moment.sent != -1) // of an alarm, or of its own
                add("<path class=\"sig\" d=\"M%.1f %dH%.1f\"/>\n", from, y - 8,
                    x);
            add("<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" r=\"4\"><title>",
                moment.handled == -1 ? "sigo" : "sigh", x, y);
            body_ += xml(title) + "</title></circle>\n";
        }
    }

    // ---- around it ----------------------------------------------------------

    void axis_line(int y) {
        add("<path class=\"ax\" d=\"M%d %dH%d\"/>\n", left, y, right);
        const std::vector<int64_t> &times = axis_.times();
        double before = left;
        for (size_t i = 1; i < times.size(); i++) {
            int64_t gap = times[i] - times[i - 1];
            if (gap < squeeze_from)
                continue;
            double x = (axis_.x(times[i]) + axis_.x(times[i - 1])) / 2;
            if (x - before < 36) // room for the text
                continue;
            before = x;
            add("<path class=\"brk\" d=\"M%.1f 34V%dM%.1f 34V%d\"/>\n", x - 2,
                y - 6, x + 2, y - 6);
            add("<path class=\"ax\" d=\"M%.1f %dl4 -10m4 0l-4 10\"/>", x - 4,
                y + 5);
            add("<text class=\"s m\" x=\"%.1f\" y=\"%d\">", x, y + 18);
            body_ += duration(gap) + "</text>\n";
        }
        add("<text class=\"s e\" x=\"%d\" y=\"%d\">time, not to scale</text>\n",
            left - 8, y + 4);
        add("<text class=\"s e\" x=\"%d\" y=\"%d\">// a long time</text>\n",
            left - 8, y + 18);
        add("<text class=\"s e\" x=\"%d\" y=\"20\">", right);
        body_ += duration(history_.end - history_.begin) + " in all</text>\n";
    }

    void legend(int y) {
        struct Sign {
            const char *what, *drawing;
        };
        static const Sign signs[] = {
            {"runs", "<path class=\"run\" d=\"M0 -4h22\"/>"},
            {"waits", "<path class=\"wait\" d=\"M0 -4h22\"/>"},
            {"fork", "<path class=\"fork\" d=\"M11 -10v8\"/><path "
                     "class=\"forkh\" d=\"M11 2l-3.5 -6h7z\"/>"},
            {"zombie", "<rect class=\"z\" y=\"-10\" width=\"22\" "
                       "height=\"12\"/>"},
            {"wait reaps", "<path class=\"reap\" d=\"M11 -6v8\"/><path "
                           "class=\"reaph\" d=\"M11 -10l-3.5 6h7z\"/>"},
            {"signal", "<path class=\"sig\" d=\"M0 -4h22\"/>"},
            {"handler runs", "<circle class=\"sigh\" cx=\"11\" cy=\"-4\" "
                             "r=\"4\"/>"},
            {"no handler", "<circle class=\"sigo\" cx=\"11\" cy=\"-4\" "
                           "r=\"4\"/>"},
            {"sockets held", "<path class=\"c0\" d=\"M0 -8h10v7h-10z\"/><path "
                             "class=\"c1\" d=\"M12 -8h10v7h-10z\"/>"},
        };
        double x = 8;
        for (const Sign &sign : signs) {
            add("<g transform=\"translate(%.1f %d)\">", x, y);
            body_ += sign.drawing;
            add("<text class=\"s\" x=\"27\">%s</text></g>\n", sign.what);
            x += 27 + width_of(sign.what) + 18;
        }
        std::string rest = folded(history_, shown_);
        if (!rest.empty()) {
            add("<text class=\"b\" x=\"8\" y=\"%d\">", y + 20);
            body_ += "and " + rest + "</text>\n";
        }
    }

    std::string head(int height) const {
        std::string text =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
            std::to_string(picture_width) + " " + std::to_string(height) +
            "\" width=\"" + std::to_string(picture_width) + "\" height=\"" +
            std::to_string(height) +
            "\" role=\"img\" aria-labelledby=\"title desc\">\n"
            "<title id=\"title\">" +
            xml(title_) +
            "</title>\n"
            "<desc id=\"desc\">";
        int told = 0;
        for (const Moment &moment : history_.moments)
            if (in_picture(history_, moment, shown_) && told++ < 200)
                text += xml(sentence(history_, moment)) + ".\n";
        return text + "</desc>\n" + style +
               "<text class=\"h\" x=\"8\" y=\"20\">" + xml(title_) +
               "</text>\n";
    }

    const History &history_;
    size_t shown_;
    Axis axis_;
    std::vector<Lane> lanes_;
    std::string title_, body_;
};

std::string draw_svg(const History &history, const DrawOptions &options) {
    return Picture(history, options).draw();
}
