// SPDX-License-Identifier: MIT
#include <cstdio>
#include <doctest/doctest.h>
#include <getopt.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "common/arguments.h"
#include "common/demonstration.h"
#include "support/process.h"

// A run of BODY as the main function of a program that is called with WORDS.
static Run run_with(Words words, void (*body)(int argc, char **argv)) {
    return run_in_child([&words, body] {
        std::vector<char *> argv = {const_cast<char *>("prog")};
        for (std::string &word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        body(static_cast<int>(words.size()) + 1, argv.data());
    });
}

static void print_numbers(int argc, char **argv) {
    demo_number numbers[] = {{"first", 0, 15}, {"second", 1, 3}};
    begin_demonstration("usage: prog", argc, argv, numbers, 2);
    dprintf(STDOUT_FILENO, "%u %u", numbers[0].value, numbers[1].value);
}

TEST_CASE("omitted numbers keep their defaults") {
    CHECK(run_with({}, print_numbers).output == "15 3");
    CHECK(run_with({"2"}, print_numbers).output == "2 3");
    CHECK(run_with({"0", "1"}, print_numbers).output == "0 1");
    CHECK(run_with({"--", "4"}, print_numbers).output == "4 3");
}

// The options are -q and -a ADDRESS.
static void read_options(int argc, char **argv) {
    const option long_options[] = {{"address", required_argument, nullptr, 'a'},
                                   {"quiet", no_argument, nullptr, 'q'},
                                   {nullptr, 0, nullptr, 0}};
    opterr = 0;
    int result = 0;
    while ((result = next_option(argc, argv, ":a:q", long_options)) != -1)
        if (result == '?' || result == ':')
            die_bad_option("usage", result, argv);
}

TEST_CASE("an invalid option is named as it was typed") {
    const struct {
        Words words;
        const char *named;
    } cases[] = {
        {{"--quiet=1"}, "'--quiet=1' is unknown or takes no argument"},
        {{"--quiet=1", "-q"}, "'--quiet=1' is unknown or takes no argument"},
        {{"-q", "word", "--q=", "word"},
         "'--q=' is unknown or takes no argument"},
        {{"--=1"}, "'--=1' is unknown or takes no argument"},
        {{"--address"}, "'--address' needs an argument"},
        {{"word", "--addr"}, "'--addr' needs an argument"},
        {{"--address=1", "-a"}, "'-a' needs an argument"},
        {{"--quiet", "-qa"}, "'-a' needs an argument"},
        {{"--quiet", "-qx"}, "'-x' is unknown or takes no argument"},
        {{"--quiet", "-xq"}, "'-x' is unknown or takes no argument"},
        {{"--address=1", "-:q"}, "'-:' is unknown or takes no argument"},
    };
    for (const auto &wrong : cases) {
        Run child = run_with(wrong.words, read_options);
        CHECK(child.status == 2);
        CHECK(child.errors == "test-arguments: option " +
                                  std::string(wrong.named) + "\nusage\n");
    }
    Words right = {"-qa1", "--quiet", "--address", "--quiet"};
    CHECK(run_with(right, read_options).status == 0);
}

TEST_CASE("one family excludes the other") {
    CHECK(argument_family("usage", AF_UNSPEC, '4') == AF_INET);
    CHECK(argument_family("usage", AF_UNSPEC, '6') == AF_INET6);
    CHECK(argument_family("usage", AF_INET6, '6') == AF_INET6);
    Run child = run_in_child([] { argument_family("usage", AF_INET, '6'); });
    CHECK(child.status == 2);
    CHECK(child.errors ==
          "test-arguments: -4 and -6 are mutually exclusive\nusage\n");
}
