// SPDX-License-Identifier: MIT
// Both pictures, by their structure.
#include <vector>

#include "lifelines/draw.h"
#include "lifelines/told.h"
#include "lifelines/words.h"

static const std::string zombie =
    "7 execve(\"./zombie\", [\"./zombie\", \"1\"], 0x7f) = 0\n"
    "7 rt_sigaction(SIGCHLD, {sa_handler=0x1}, NULL, 8) = 0\n"
    "7 clone(child_stack=NULL, flags=SIGCHLD) = 8\n"
    "8 write(1, \"a <child> & more\\n\", 17) = 17\n"
    "8 +++ exited with 3 +++\n"
    "7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8} ---\n"
    "7 rt_sigreturn({mask=[]}) = 0\n"
    "7 wait4(-1, NULL, 0, NULL) = 8\n"
    "7 +++ exited with 0 +++\n";

static size_t count(const std::string &text, std::string_view part) {
    size_t n = 0;
    for (size_t at = 0; (at = text.find(part, at)) != text.npos; at++)
        n++;
    return n;
}

// What is below the style, without the legend.
static std::string drawn(const std::string &svg) {
    size_t begin = svg.find("</defs>");
    return svg.substr(begin, svg.rfind("<g transform=\"translate(8.0") - begin);
}

TEST_CASE("the SVG has a lane for each process, and what came between them") {
    Told told(zombie);
    std::string svg = draw_svg(told.history, {});
    std::string picture = drawn(svg);
    CHECK(count(picture, ">zombie 7</text>") == 1);
    CHECK(count(picture, ">zombie 8</text>") == 1);
    CHECK(count(picture, "class=\"fork\"") == 1);
    CHECK(count(picture, "class=\"z\"") == 1);
    CHECK(count(picture, "zombie 3.0 ms</text>") == 1);
    CHECK(count(picture, "class=\"reap\"") == 1);
    CHECK(count(picture, "class=\"sig\"") == 1);
    CHECK(count(picture, "<circle class=\"sigh\"") == 1);
    CHECK(count(picture, ">exit 3</text>") == 1);
    CHECK(count(picture, "a &lt;child&gt; &amp; more</text>") == 1);
    CHECK(count(picture, ">./zombie 1</text>") == 1);
    CHECK(count(svg, "prefers-color-scheme:dark") == 1);
    CHECK(count(svg, "<script") == 0);
    CHECK(count(svg, "http") == 1); // the name of SVG itself
}

TEST_CASE("the same record gives the same bytes") {
    Told one(zombie), other(zombie);
    CHECK(draw_svg(one.history, {}) == draw_svg(other.history, {}));
    CHECK(draw_text(one.history, {}) == draw_text(other.history, {}));
}

TEST_CASE("a zombie that nobody reaps goes on to the right edge") {
    Told told("7 fork() = 8\n"
              "8 +++ killed by SIGKILL +++\n"
              "7 close(3) = 0\n");
    std::string picture = drawn(draw_svg(told.history, {}));
    CHECK(count(picture, ", never reaped</text>") == 1);
    CHECK(count(picture, ">SIGKILL</text>") == 1);
    CHECK(count(picture, "class=\"reap\"") == 0);
}

TEST_CASE("an orphan tells whose it is now") {
    Told told("7 fork() = 8\n"
              "7 +++ exited with 0 +++\n"
              "8 close(3) = 0\n");
    std::string picture = drawn(draw_svg(told.history, {}));
    CHECK(count(picture, ">left to process 1</text>") == 1);
}

TEST_CASE("a bar for each socket that a process holds") {
    Told told("7 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
              "7 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 5\n"
              "7 listen(3, 5) = 0\n"
              "7 accept(3, {sin_port=htons(40312)}, [16]) = 4\n"
              "7 fork() = 8\n"
              "7 close(4) = 0\n"
              "8 close(3) = 0\n"
              "8 +++ exited with 0 +++\n");
    std::string picture = drawn(draw_svg(told.history, {}));
    CHECK(count(picture, "holds listener as descriptor 3") == 2);
    CHECK(count(picture, "holds connection of :40312 as descriptor 4") == 2);
    CHECK(count(picture, "descriptor 5") == 0); // for nothing
    CHECK(count(picture, ">close</text>") == 2);
}

TEST_CASE("long waits are squeezed, and have their true time") {
    Told told("7 write(1, \"a\", 1) = 1\n"
              "7 clock_nanosleep(0, 0, {tv_sec=9}, NULL) = 0 <9.000000>\n"
              "7 write(1, \"b\", 1) = 1\n");
    std::string picture = drawn(draw_svg(told.history, {}));
    CHECK(count(picture, ">9.0 s</text>") == 1);
    CHECK(count(picture, ">sleep</text>") == 1);
    CHECK(count(picture, "waits in sleep for 9.0 s") == 1);
    CHECK(count(draw_text(told.history, {}), "⋮  │  9.0 s") == 1);
}

TEST_CASE("a signal from outside says so") {
    Told told("7 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=99} "
              "---\n"
              "7 --- SIGINT {si_signo=SIGINT, si_code=SI_KERNEL} ---\n");
    std::string picture = drawn(draw_svg(told.history, {}));
    CHECK(count(picture, ">SIGTERM from outside</text>") == 1);
    CHECK(count(picture, ">SIGINT</text>") == 1);
    CHECK(count(picture, "7 gets SIGTERM from outside</title>") == 1);
}

TEST_CASE("processes above the limit are counted") {
    std::string lines;
    for (int pid = 8; pid < 12; pid++)
        lines += "7 fork() = " + std::to_string(pid) + "\n" +
                 std::to_string(pid) + " +++ exited with 0 +++\n";
    Told told(lines + "7 wait4(11, NULL, 0, NULL) = 11\n");
    std::string rest = "and 3 more: 1 reaped, 2 left as zombies";
    std::string svg = draw_svg(told.history, {.title = "", .most = 2});
    CHECK(count(svg, rest) == 1);
    CHECK(count(drawn(svg), "class=\"fork\"") == 1);
    CHECK(count(draw_text(told.history, {.title = "", .most = 2}), rest) == 1);
    CHECK(count(draw_text(told.history, {}), " more: ") == 0);
}

TEST_CASE("the text has as many columns as fit") {
    std::string lines;
    for (int pid = 8; pid < 40; pid++)
        lines += "7 fork() = " + std::to_string(pid) + "\n";
    Told told(lines);
    std::string text = draw_text(told.history, {.title = "", .most = 30});
    CHECK(count(text, "and 16 more: 0 reaped, 0 left as zombies\n") == 1);
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        CHECK(characters(line) <= 80);
        rest.remove_prefix(line.size() + 1);
    }
}

TEST_CASE("the text has a column for each process") {
    Told told(zombie);
    CHECK(draw_text(told.history, {.title = "a title"}) ==
          "a title\n"
          "┃ runs  │ waits  ▒ zombie  ┻ ends  ━ fork, reap  ╌ signal\n"
          "\n"
          "  0.000  ●     zombie 7 starts\n"
          "  0.000  ●     zombie 7 executes ./zombie 1\n"
          "  0.002  ●━━┓  zombie 7 forks 8\n"
          "  0.003  ┃  ●  zombie 8 writes a <child> & more\n"
          "  0.004  ┃  ┻  zombie 8 ends: exit 3: a zombie\n"
          "  0.005  ◀╌╌▒  zombie 7 gets SIGCHLD from 8; its handler runs, "
          "1.0 ms later\n"
          "  0.007  ◀━━┛  zombie 7 reaps 8: exit 3\n"
          "  0.008  ┻     zombie 7 ends: exit 0\n");
}

TEST_CASE("no picture says what a terminal or XML would take for its own") {
    Told told("7 execve(\"./x\", [\"\\33[2J<b>\"], 0x7f) = 0\n"
              "7 write(1, \"\\33[1m\\377\\355\\225\\234\\0\\n\", 9) = 9\n");
    std::string text = draw_text(told.history, {});
    CHECK(count(text, "\33") == 0);
    CHECK(count(text, "·[1m·한·") == 1);
    std::string svg = draw_svg(told.history, {.title = "<\1&\xff"});
    CHECK(count(svg, "&lt;·&amp;·</text>") == 1);
}

TEST_CASE("characters beyond ASCII, and only those that there are") {
    CHECK(clean("a\u00e9\ud55c\U0001f600z") == "a\u00e9\ud55c\U0001f600z");
    for (std::string wrong :
         {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80",
          "\xef\xbf\xbf", "\xc3", "\xf0\x8f\xbf\xbf", "\x7f", "\xc2\x80"}) {
        CAPTURE(wrong);
        CHECK(count(clean(wrong), "·") == wrong.size());
    }
    CHECK(cut("\ud55c\uae00\ub85c", 2) == "\ud55c…");
    CHECK(unquoted("[{\"a\\n\\\"\\\\\\x\"...}, {\"\\1012\"}]", "|", 30) ==
          "a ⏎ \"\\x…|A2");
}

TEST_CASE("a long record makes a short picture") {
    std::string text;
    long time = 1000000000;
    for (int i = 0; i < 20000; i++) {
        std::string pid = std::to_string(100 + i / 4);
        auto line = [&](const std::string &who, const std::string &what) {
            time += 100;
            text += who + " " + std::to_string(time / 1000000) + "." +
                    std::to_string(1000000 + time % 1000000).substr(1) + " " +
                    what + "\n";
        };
        if (i % 4 == 0)
            line("7", "fork() = " + pid);
        else if (i % 4 == 1)
            line("7", "accept(3, NULL, NULL) = " + pid);
        else if (i % 4 == 2)
            line(pid, "+++ exited with 0 +++");
        else
            line("7", "wait4(-1, NULL, 0, NULL) = " + pid);
    }
    Record record;
    RecordProblem problem;
    REQUIRE(read_record(text, &record, &problem));
    History history = history_of(record);
    std::string svg = draw_svg(history, {});
    CHECK(svg.size() < 300000);
    CHECK(draw_text(history, {}).size() > 1000);
}
