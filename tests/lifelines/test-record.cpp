// SPDX-License-Identifier: MIT
// What strace writes, read line by line and as a whole.
#include <doctest/doctest.h>
#include <ostream>
#include <string>

#include "lifelines/record.h"

static RecordLine line_of(std::string_view text) {
    RecordLine line;
    REQUIRE(read_record_line(text, &line));
    return line;
}

TEST_CASE("a call has a name, arguments and a result") {
    RecordLine line = line_of("4242 1700000000.000042 close(3)        = 0 "
                              "<0.000010>");
    CHECK(line.kind == LineKind::call);
    CHECK(line.pid == 4242);
    CHECK(line.time == 1700000000000042);
    CHECK(line.spent == 10);
    CHECK(line.name == "close");
    CHECK(line.arguments == "3");
    CHECK(line.result == "0");
    CHECK(line.value == 0);
}

TEST_CASE("a call that failed keeps its reason") {
    RecordLine line = line_of(
        "7 wait4(-1, 0x7f, WNOHANG, NULL) = -1 ECHILD (No child processes)");
    CHECK(line.value == -1);
    CHECK(line.result == "-1 ECHILD (No child processes)");
    CHECK(line.time == -1);
    CHECK(line.spent == -1);
}

TEST_CASE("brackets, quotes and results in a string are its own") {
    RecordLine line =
        line_of(R"(7 write(1, "a\") = 3 <unfinished ...>\\", 5) = 5)");
    CHECK(line.kind == LineKind::call);
    CHECK(line.arguments == R"(1, "a\") = 3 <unfinished ...>\\", 5)");
    CHECK(line.value == 5);
}

TEST_CASE("a line without a process ID is one of the only process") {
    CHECK(line_of("close(3) = 0").pid == 0);
    CHECK(line_of("+++ exited with 3 +++").value == 3);
    CHECK(line_of("[pid 12] close(3) = 0").pid == 12);
    CHECK(line_of("[pid  1234] +++ exited with 0 +++").pid == 1234);
}

TEST_CASE("an end by itself and by a signal") {
    RecordLine line = line_of("7 1.000000 +++ exited with 24 +++");
    CHECK(line.kind == LineKind::ended);
    CHECK(line.value == 24);
    CHECK(line.name == "");
    line = line_of("7 1.000000 +++ killed by SIGSEGV (core dumped) +++");
    CHECK(line.kind == LineKind::ended);
    CHECK(line.name == "SIGSEGV");
    CHECK(line_of("7 +++ superseded by execve in pid 9 +++").kind ==
          LineKind::note);
}

TEST_CASE("a signal, and a stop, which is none that is delivered") {
    RecordLine line = line_of("7 1.000000 --- SIGCHLD {si_signo=SIGCHLD, "
                              "si_code=CLD_EXITED, si_pid=8} ---");
    CHECK(line.kind == LineKind::signal);
    CHECK(line.name == "SIGCHLD");
    CHECK(number_in(text_after(line.arguments, "si_pid=")) == 8);
    CHECK(line_of("7 --- stopped by SIGSTOP ---").kind == LineKind::note);
    CHECK(line_of("strace: Process 8 attached").kind == LineKind::note);
}

TEST_CASE("the two parts of a call") {
    RecordLine line = line_of("7 1.000000 wait4(-1,  <unfinished ...>");
    CHECK(line.kind == LineKind::begins);
    CHECK(line.arguments == "-1,");
    line = line_of("7 2.000000 <... wait4 resumed>NULL, 0, NULL) = 8");
    CHECK(line.kind == LineKind::returns);
    CHECK(line.name == "wait4");
    CHECK(line.arguments == "NULL, 0, NULL");
    CHECK(line.value == 8);
    for (std::string_view text :
         {"7 3.000000 pause( <unfinished ...>) = ?", "7 3.000000 pause(",
          "7 3.000000 ppoll([{fd=3", "7 3.000000 exit_group(0)   "}) {
        CAPTURE(text);
        CHECK(line_of(text).kind == LineKind::begins);
    }
}

TEST_CASE("what strace has not written is refused") {
    for (std::string_view text :
         {"hello", "7 1.000000", "7 close(3) 0", "7 clo se(3) = 0",
          "7 +++ exited with +++", "7 +++ ended +++", "7 --- SIGCHLD ---",
          "7 --- SIGCHLD {si_signo=SIGCHLD", "7 <... wait4>) = 0",
          "[pid 7 close(3) = 0", "-7 close(3) = 0",
          "99999999999 close(3) = 0"}) {
        CAPTURE(text);
        RecordLine line;
        CHECK_FALSE(read_record_line(text, &line));
    }
}

TEST_CASE("arguments are counted outside of brackets and strings") {
    std::string_view words = R"(-1, [{a, b}], "x, \"y", f(1, 2) | 3)";
    CHECK(argument(words, 0) == "-1");
    CHECK(argument(words, 1) == "[{a, b}]");
    CHECK(argument(words, 2) == R"("x, \"y")");
    CHECK(argument(words, 3) == "f(1, 2) | 3");
    CHECK(argument(words, 4) == "");
    CHECK(argument("", 0) == "");
    CHECK(argument("3</a>]", 1) == "");
}

// ---- all of it --------------------------------------------------------------

static RecordProblem problem_of(std::string_view text) {
    Record record;
    RecordProblem problem = {};
    CHECK_FALSE(read_record(text, &record, &problem));
    return problem;
}

TEST_CASE("a call that is resumed has all its arguments, and begins before") {
    std::string text = "7 1.000000 wait4(-1,  <unfinished ...>\n"
                       "8 1.500000 +++ exited with 3 +++\n"
                       "7 2.000000 <... wait4 resumed>NULL, 0, NULL) = 8\n";
    Record record;
    RecordProblem problem;
    REQUIRE(read_record(text, &record, &problem));
    REQUIRE(record.events.size() == 3);
    CHECK(record.events[0].kind == LineKind::begins);
    CHECK(record.events[1].kind == LineKind::ended);
    CHECK(record.events[2].kind == LineKind::returns);
    CHECK(record.events[2].time == 2000000);
    CHECK(argument(record.events[2].arguments, 1) == "NULL");
    CHECK(record.events[2].value == 8);
}

TEST_CASE("a call returns after the time spent in it, and time never goes "
          "back") {
    std::string text = "7 1.000000 pause() = ? ERESTARTNOHAND <0.500000>\n"
                       "7 1.400000 close(3) = 0 <0.000001>\n";
    Record record;
    RecordProblem problem;
    REQUIRE(read_record(text, &record, &problem));
    REQUIRE(record.events.size() == 4);
    CHECK(record.events[0].time == 1000000);
    CHECK(record.events[1].time == 1500000);
    CHECK(record.events[2].time == 1500000);
    CHECK(record.events[3].time == 1500001);
}

TEST_CASE("a thread's execve goes on under the first thread's ID") {
    std::string text = "8 1.000000 execve(\"./a\", [\"./a\"], 0x7f "
                       "<unfinished ...>\n"
                       "7 1.100000 +++ superseded by execve in pid 8 +++\n"
                       "7 1.200000 <... execve resumed>) = 0\n";
    Record record;
    RecordProblem problem;
    CHECK(read_record(text, &record, &problem));
}

TEST_CASE("a problem names its line and what is missing") {
    CHECK(problem_of("7 1.000000 close(3) = 0\nhello\n").line == 2);
    CHECK(std::string(problem_of("1.000000 close(3) = 0").what)
              .find("process ID") != std::string::npos);
    CHECK(std::string(problem_of("7 close(3) = 0").what).find("-ttt") !=
          std::string::npos);
    CHECK(std::string(problem_of("7 1.000000 <... wait4 resumed>) = 0").what)
              .find("unfinished") != std::string::npos);
}

TEST_CASE("what ended is not resumed") {
    CHECK(problem_of("7 1.000000 pause( <unfinished ...>\n"
                     "7 1.000001 +++ killed by SIGKILL +++\n"
                     "7 1.000002 <... pause resumed>) = 0\n")
              .line == 3);
}
