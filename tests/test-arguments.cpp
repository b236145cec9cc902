// SPDX-License-Identifier: MIT
#include <cstdio>
#include <doctest/doctest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "arguments.h"
#include "support.h"

// What read_demo_numbers() makes of WORDS: the numbers, or what it said.
static Run read_words(std::vector<const char *> words) {
    return run_in_child([&words] {
        std::vector<char *> argv = {const_cast<char *>("prog")};
        for (const char *word : words)
            argv.push_back(const_cast<char *>(word));
        argv.push_back(nullptr);
        demo_number numbers[] = {{"first", 0, 15}, {"second", 1, 3}};
        read_demo_numbers("usage: prog", static_cast<int>(words.size()) + 1,
                          argv.data(), numbers, 2);
        dprintf(STDOUT_FILENO, "%d %d", numbers[0].value, numbers[1].value);
    });
}

TEST_CASE("numbers that are not given keep their defaults") {
    CHECK(read_words({}).output == "15 3");
    CHECK(read_words({"2"}).output == "2 3");
    CHECK(read_words({"0", "1"}).output == "0 1");
    CHECK(read_words({"--", "4"}).output == "4 3");
}

TEST_CASE("wrong words are named, with the usage, and end with 2") {
    struct {
        std::vector<const char *> words;
        const char *named;
    } cases[] = {
        {{"x"}, "first: 'x' is not a number from 0 to 1000000"},
        {{"1", "0"}, "second: '0' is not a number from 1 to 1000000"},
        {{"1000001"}, "first: '1000001'"},
        {{"1", "2", "3"}, "'3' is one argument too many"},
        {{"-1"}, "option '-1'"},
        {{"--what"}, "option '--what'"},
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

TEST_CASE("help goes to standard output and ends well") {
    for (const char *word : {"-h", "--help"}) {
        Run child = read_words({word});
        CHECK(child.status == 0);
        CHECK(child.output == "usage: prog\n");
    }
}

TEST_CASE("one family excludes the other") {
    CHECK(argument_family("usage", AF_UNSPEC, '4') == AF_INET);
    CHECK(argument_family("usage", AF_UNSPEC, '6') == AF_INET6);
    CHECK(argument_family("usage", AF_INET6, '6') == AF_INET6);
    CHECK(run_in_child([] { argument_family("usage", AF_INET, '6'); }).status ==
          2);
}
