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

// The numbers that begin_demonstration() reads from WORDS, or its diagnostic.
static Run read_words(std::vector<const char *> words) {
    return run_in_child([&words] {
        std::vector<char *> argv = {const_cast<char *>("prog")};
        for (const char *word : words)
            argv.push_back(const_cast<char *>(word));
        argv.push_back(nullptr);
        demo_number numbers[] = {{"first", 0, 15}, {"second", 1, 3}};
        begin_demonstration("usage: prog", static_cast<int>(words.size()) + 1,
                            argv.data(), numbers, 2);
        dprintf(STDOUT_FILENO, "%u %u", numbers[0].value, numbers[1].value);
    });
}

TEST_CASE("omitted numbers keep their defaults") {
    CHECK(read_words({}).output == "15 3");
    CHECK(read_words({"2"}).output == "2 3");
    CHECK(read_words({"0", "1"}).output == "0 1");
    CHECK(read_words({"--", "4"}).output == "4 3");
}

TEST_CASE("invalid arguments are named, with the usage and status 2") {
    struct {
        std::vector<const char *> words;
        const char *named;
    } cases[] = {
        {{"x"}, "first: 'x' is not a number from 0 to 1000000"},
        {{"1", "0"}, "second: '0' is not a number from 1 to 1000000"},
        {{"1000001"}, "first: '1000001'"},
        {{"1", "2", "3"}, "unexpected argument '3'"},
        {{"-1"}, "option '-1'"},
        {{"--what"}, "option '--what'"},
        {{"--help=1"}, "option '--help=1' is unknown or takes no argument"},
        {{""}, "first: ''"},
    };
    for (const auto &wrong : cases) {
        Run child = read_words(wrong.words);
        CHECK(child.status == 2);
        CHECK(child.output.empty());
        CHECK_MESSAGE(count_of(wrong.named, child.errors) == 1, child.errors);
        CHECK(child.errors.ends_with("\nusage: prog\n"));
    }
}

// The diagnostic about WORDS of a program with the options -q and -a ADDRESS.
static std::string complaint_about(std::vector<const char *> words) {
    Run child = run_in_child([&words] {
        std::vector<char *> argv = {const_cast<char *>("prog")};
        for (const char *word : words)
            argv.push_back(const_cast<char *>(word));
        argv.push_back(nullptr);
        const option long_options[] = {
            {"address", required_argument, nullptr, 'a'},
            {"quiet", no_argument, nullptr, 'q'},
            {nullptr, 0, nullptr, 0}};
        opterr = 0;
        int result = 0;
        while ((result = next_option(static_cast<int>(words.size()) + 1,
                                     argv.data(), ":a:q", long_options)) != -1)
            if (result == '?' || result == ':')
                die_bad_option("usage", result, argv.data());
    });
    CHECK(child.status == (child.errors.empty() ? 0 : 2));
    return child.errors.substr(0, child.errors.find('\n'));
}

TEST_CASE("an invalid option is named as it was typed") {
    struct {
        std::vector<const char *> words;
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
    for (const auto &wrong : cases)
        CHECK(complaint_about(wrong.words) ==
              "test-arguments: option " + std::string(wrong.named));
    CHECK(complaint_about({"-qa1", "--quiet", "--address", "--quiet"}).empty());
}

TEST_CASE("help goes to standard output, with status 0") {
    for (const auto &words : std::vector<std::vector<const char *>>{
             {"-h"}, {"--help"}, {"1", "2", "3", "--he"}}) {
        Run child = read_words(words);
        CHECK(child.status == 0);
        CHECK(child.output == "usage: prog\n");
    }
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
