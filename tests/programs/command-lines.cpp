// SPDX-License-Identifier: MIT
// The command lines of all programs. How each form of an option is read, and a
// number, the unit test of arguments and fuzz-words show.
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/process.h"

static Run run_words(std::vector<std::string> words) {
    words[0] = program(words[0]);
    return run(words);
}

TEST_CASE("help and version go to standard output, with status 0") {
    const struct {
        const char *name, *word, *shows;
    } cases[] = {
        {"echo_mpserv", "-h", "usage: echo_mpserv "},
        {"echo_mpserv", "--help", "usage: echo_mpserv "},
        {"echo_mpserv", "-V", "echo_mpserv 0."},
        {"echo_mpserv", "--version", "echo_mpserv 0."},
        {"echo_mpclient", "-h", "usage: echo_mpclient "},
        {"echo_mpclient", "--help", "usage: echo_mpclient "},
        {"echo_mpclient", "-V", "echo_mpclient 0."},
        {"echo_mpclient", "--version", "echo_mpclient 0."},
        {"fork", "--help", "usage: fork\n"},
        {"wait", "-h", "usage: wait "},
    };
    for (const auto &c : cases) {
        Run asked = run_words({c.name, c.word});
        CHECK(asked.status == 0);
        CHECK(asked.errors.empty());
        CHECK_MESSAGE(asked.output.starts_with(c.shows), asked.output);
    }
}

TEST_CASE("help is given whatever else is wrong") {
    Run asked = run_words({"wait", "1", "2", "3", "--he"});
    CHECK(asked.status == 0);
    CHECK(asked.output.starts_with("usage: wait "));
}

TEST_CASE("invalid arguments are named, with the usage and status 2") {
    const struct {
        std::vector<std::string> words;
        const char *message;
    } cases[] = {
        {{"echo_mpserv"}, "port is missing\n"},
        {{"echo_mpserv", "-1"}, "option '-1' is unknown"},
        {{"echo_mpserv", "65536"}, "port: '65536' is not a number from 0 to"},
        {{"echo_mpserv", "1", "2"}, "unexpected argument '2'"},
        {{"echo_mpserv", "0", "--clients"}, "option '--clients' needs an"},
        {{"echo_mpserv", "-c", "0", "0"}, "clients: '0'"},
        {{"echo_mpserv", "--clients=0", "0"}, "clients: '0'"},
        {{"echo_mpserv", "-C", "0", "0"}, "clients per address: '0'"},
        {{"echo_mpserv", "--clients-per-address=0", "0"},
         "clients per address: '0'"},
        {{"echo_mpserv", "-b", "0", "0"}, "backlog: '0'"},
        {{"echo_mpserv", "--backlog=0", "0"}, "backlog: '0'"},
        {{"echo_mpserv", "-g", "1000001", "0"}, "grace: '1000001'"},
        {{"echo_mpserv", "--grace=1000001", "0"}, "grace: '1000001'"},
        {{"echo_mpserv", "-t", "-1", "0"}, "timeout: '-1'"},
        {{"echo_mpserv", "--timeout=-1", "0"}, "timeout: '-1'"},
        {{"echo_mpserv", "-4", "-6", "0"}, "-4 and -6"},
        {{"echo_mpserv", "-a", "localhost", "0"},
         "address: 'localhost' is not a numeric IPv4 or IPv6 address\n"},
        {{"echo_mpserv", "-4", "-a", "::1", "0"},
         "address: '::1' is not a numeric IPv4 address, as -4 requires\n"},
        {{"echo_mpserv", "-6", "-a", "1.2.3.4", "0"},
         "address: '1.2.3.4' is not a numeric IPv6 address, as -6 requires\n"},

        {{"echo_mpclient"}, "host is missing"},
        {{"echo_mpclient", "localhost"}, "port is missing"},
        {{"echo_mpclient", "", "1"}, "host is empty"},
        {{"echo_mpclient", "localhost", "0"}, "port: '0' is not a number from"},
        {{"echo_mpclient", "localhost", "65536"}, "port: '65536'"},
        {{"echo_mpclient", "localhost", "1", "2"}, "unexpected argument '2'"},
        {{"echo_mpclient", "-x", "localhost", "1"}, "option '-x' is unknown"},
        {{"echo_mpclient", "-w"}, "option '-w' needs an argument"},
        {{"echo_mpclient", "-t", "1000001", "a", "1"}, "timeout: '1000001'"},
        {{"echo_mpclient", "--timeout=x", "a", "1"}, "timeout: 'x'"},
        {{"echo_mpclient", "-w", "1000001", "a", "1"}, "wait: '1000001'"},
        {{"echo_mpclient", "--wait=x", "a", "1"}, "wait: 'x'"},
        {{"echo_mpclient", "-46", "a", "1"}, "-4 and -6"},

        {{"fork", "1"}, "unexpected argument '1'"},
        {{"fork", "-x"}, "option '-x' is unknown"},
        {{"signal", "0"}, "alarm-seconds: '0'"}, // alarm(0) cancels
        {{"signal", "1", "x"}, "sleep-seconds: 'x'"},
        {{"signal", "1", "2", "3"}, "unexpected argument '3'"},
        {{"sigaction", "0"}, "alarm-seconds: '0'"},
        {{"sigaction", "1", "x"}, "sleep-seconds: 'x'"},
        {{"sigaction", "1", "2", "3"}, "unexpected argument '3'"},
        {{"waitpid", "x"}, "child-seconds: 'x'"},
        {{"waitpid", "1", "0"},
         "poll-seconds: '0' is not a number from 1 to 1000000\n"},
        {{"waitpid", "1", "2", "3"}, "unexpected argument '3'"},
        {{"remove_zombie", "x"}, "child-seconds: 'x'"},
        {{"remove_zombie", "1", "x"}, "wait-seconds: 'x'"},
        {{"remove_zombie", "1", "2", "3"}, "unexpected argument '3'"},
        {{"wait", "x"}, "seconds: 'x'"},
        {{"wait", "1000001"}, "seconds: '1000001' is not a number from 0 to"},
        {{"wait", "1", "2"}, "unexpected argument '2'"},
        {{"zombie", "x"}, "seconds: 'x'"},
        {{"zombie", "1", "2"}, "unexpected argument '2'"},
    };
    for (const auto &c : cases) {
        const std::string &name = c.words[0];
        Run wrong = run_words(c.words);
        CAPTURE(wrong.errors);
        CHECK(wrong.status == 2);
        CHECK(wrong.output.empty());
        CHECK(wrong.errors.starts_with(name + ": " + c.message));
        CHECK(count_of("\nusage: " + name, wrong.errors) == 1);
    }
}
