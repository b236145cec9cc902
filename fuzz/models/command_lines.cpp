// SPDX-License-Identifier: MIT
// command_lines - command lines as the programs read them, in a modelled
// process.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/arguments.h"
#include "common/die.h"
#include "models/command_lines.h"
#include "models/naive.h"
#include "models/naive_options.h"
#include "models/process_model.h"
#include "models/texts.h"

constexpr const char *usage = "usage: words [-h] [NUMBER...]\n"
                              "       words is not run";

// What a command line is expected to lead to. A complaint must name WORD and
// DETAIL, each of which may be null.
struct expectation {
    int status;
    const char *word;
    const char *detail;
};

constexpr struct expectation going_on = {goes_on, nullptr, nullptr};
constexpr struct expectation help_is_given = {EXIT_SUCCESS, nullptr, nullptr};
constexpr struct expectation help_is_lost = {exit_failed, "standard output",
                                             nullptr};

// Blocks of their exact sizes, the vector with its null too.
struct command_line {
    int argc;
    char **argv;
};

// The lines of the payload, as the command line of *PROCESS.
static void begin(struct fuzz_input *input, struct process_model *process,
                  struct command_line *line) {
    uint8_t control = take_control(input);
    process->output.closed = control % 2 == 1;
    process->errors.closed = control / 2 % 2 == 1;
    char *rest = payload_text(input);
    char *argv[1 + most_words + 1] = {exact_copy("words")};
    int argc = 1;
    while (argc <= most_words && rest != nullptr && *rest != '\0')
        argv[argc++] = exact_copy(strsep(&rest, "\n"));
    size_t size = (static_cast<size_t>(argc) + 1) * sizeof argv[0];
    line->argc = argc;
    line->argv = static_cast<char **>(malloc(size));
    must(line->argv != nullptr);
    memcpy(line->argv, argv, size);
    optind = 0; // glibc: begin anew, and ask for POSIXLY_CORRECT, which would
    (void)unsetenv("POSIXLY_CORRECT"); // end the options at the first operand
}

static void free_words(const struct command_line *line) {
    for (int i = 0; i < line->argc; i++)
        free(line->argv[i]);
    free(line->argv);
}

// SIZE bytes at BYTES hold TEXT, or its beginning where a message that is cut
// short could not name all of it.
static void must_name(const char *bytes, size_t size, const char *text) {
    constexpr size_t always_named = 400;
    size_t n = text == nullptr ? 0 : strnlen(text, always_named);
    must(n == 0 || memmem(bytes, size, text, n) != nullptr);
}

// "PROGRAM: MESSAGE" and, after wrong usage, the usage; one newline at the end.
static void check_complaint(const struct written *errors,
                            const struct expectation *expected) {
    constexpr size_t most_message = 511;
    char start[256] = {};
    char end[256] = {};
    size_t start_size = static_cast<size_t>(
        snprintf(start, sizeof start, "%s: ", program_invocation_short_name));
    size_t end_size = static_cast<size_t>(snprintf(
        end, sizeof end, "%s%s\n", expected->status == exit_usage ? "\n" : "",
        expected->status == exit_usage ? usage : ""));
    must(errors->size > start_size + end_size);
    const char *message = errors->text + start_size;
    size_t size = errors->size - start_size - end_size;
    must(memcmp(errors->text, start, start_size) == 0);
    must(memcmp(message + size, end, end_size) == 0);
    must(size <= most_message);
    must_name(message, size, expected->word);
    must_name(message, size, expected->detail);
}

// PROCESS came to what was EXPECTED; status 0 stands for help.
static void check_process(const struct process_model *process,
                          struct expectation expected) {
    char help[256] = {};
    (void)snprintf(help, sizeof help, "%s\n", usage);
    if (expected.status == EXIT_SUCCESS && process->output.closed)
        expected = help_is_lost;
    must(process->status == expected.status);
    must(strcmp(process->output.text,
                expected.status == EXIT_SUCCESS ? help : "") == 0);
    bool complains = expected.status > 0 && !process->errors.closed;
    must((process->errors.size > 0) == complains);
    if (complains)
        check_complaint(&process->errors, &expected);
}

// The end by a wrong option, which naive_next_option() has called RESULT.
static struct expectation expect_wrong(const struct naive_line *line,
                                       int result) {
    return {exit_usage, line->named,
            result == ':' ? "needs an argument" : nullptr};
}

// What the number from LOW to HIGH in TEXT leads to; NAME is what it is for.
static struct expectation expect_number(const char *name, const char *text,
                                        int low, int high, int *number) {
    long value = 0;
    if (naive_number(text, low, high, &value) != 0)
        return {exit_usage, text, name};
    *number = static_cast<int>(value);
    return going_on;
}

static void begin_naive(const struct command_line *line,
                        const struct naive_option *options, int option_count,
                        struct naive_line *naive) {
    *naive = {};
    naive->options = options;
    naive->option_count = option_count;
    // A copy of the pointers: getopt_long(3) moves the words.
    for (int i = 1; i < line->argc; i++)
        naive->words[i - 1] = line->argv[i];
    naive->word_count = line->argc - 1;
}

// ---- a demonstration's ------------------------------------------------------

constexpr int most_numbers = 3;

struct demo {
    struct command_line line;
    struct demo_number numbers[most_numbers];
    int count;
};

static void run_demo(void *context) {
    struct demo *demo = static_cast<struct demo *>(context);
    read_demo_numbers(usage, demo->line.argc, demo->line.argv, demo->numbers,
                      demo->count);
}

static struct expectation expect_demo(const struct demo *demo,
                                      struct naive_line *line, int *values) {
    int option = naive_next_option(line);
    if (option == 'h')
        return help_is_given;
    if (option != 0)
        return expect_wrong(line, option);
    if (line->operand_count > demo->count)
        return {exit_usage, line->operands[demo->count], nullptr};
    struct expectation expected = going_on;
    for (int i = 0; i < line->operand_count && expected.status == goes_on; i++)
        expected =
            expect_number(demo->numbers[i].name, line->operands[i],
                          demo->numbers[i].low, most_seconds, &values[i]);
    return expected;
}

void check_demo_line(struct fuzz_input *input) {
    constexpr struct naive_option options[] = {{'h', "help", false}};
    struct demo demo = {
        {}, {{"seconds", 0, 2}, {"children", 1, 3}, {"rounds", 1, 4}}, 0};
    int values[most_numbers] = {2, 3, 4};
    struct process_model process;
    struct naive_line naive_line;
    demo.count = take_control(input) % (most_numbers + 1);
    begin(input, &process, &demo.line);
    begin_naive(&demo.line, options, 1, &naive_line);
    struct expectation expected = expect_demo(&demo, &naive_line, values);
    run_process(&process, run_demo, &demo);
    check_process(&process, expected);
    for (int i = 0; i < demo.count && process.status == goes_on; i++)
        must(demo.numbers[i].value == values[i]);
    free_words(&demo.line);
}

// ---- a server's -------------------------------------------------------------

struct server {
    struct command_line line;
    int family, port, timeout;
};

// The shape of the programs, whose own reading belongs to their main files.
static void run_server(void *context) {
    static const struct option options[] = {
        {"ipv4", no_argument, nullptr, '4'},
        {"ipv6", no_argument, nullptr, '6'},
        {"timeout", required_argument, nullptr, 't'},
        {nullptr, 0, nullptr, 0}};
    struct server *server = static_cast<struct server *>(context);
    int argc = server->line.argc;
    char **argv = server->line.argv;
    int option = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":46t:", options, nullptr)) != -1)
        if (option == '4' || option == '6')
            server->family = argument_family(usage, server->family, option);
        else if (option == 't')
            server->timeout =
                argument_number(usage, "timeout", optarg, 0, most_seconds);
        else
            die_bad_option(usage, option, argv);
    if (optind < argc)
        server->port = argument_number(usage, "port", argv[optind], 0, 65535);
}

static struct expectation expect_option(const struct naive_line *line,
                                        int option, struct server *server) {
    if (option == 't')
        return expect_number("timeout", line->argument, 0, most_seconds,
                             &server->timeout);
    if (option != '4' && option != '6')
        return expect_wrong(line, option);
    int family = option == '4' ? AF_INET : AF_INET6;
    int other = option == '4' ? AF_INET6 : AF_INET;
    if (server->family == other)
        return {exit_usage, "-4", "-6"};
    server->family = family;
    return going_on;
}

static struct expectation expect_server(struct naive_line *line,
                                        struct server *server) {
    struct expectation expected = going_on;
    int option = 0;
    while (expected.status == goes_on &&
           (option = naive_next_option(line)) != 0)
        expected = expect_option(line, option, server);
    if (expected.status == goes_on && line->operand_count > 0)
        expected =
            expect_number("port", line->operands[0], 0, 65535, &server->port);
    return expected;
}

void check_server_line(struct fuzz_input *input) {
    constexpr struct naive_option options[] = {
        {'4', "ipv4", false}, {'6', "ipv6", false}, {'t', "timeout", true}};
    struct server server = {{}, AF_UNSPEC, 2000, 0};
    struct process_model process;
    struct naive_line naive_line;
    begin(input, &process, &server.line);
    begin_naive(&server.line, options, 3, &naive_line);
    struct server naive = server;
    struct expectation expected = expect_server(&naive_line, &naive);
    run_process(&process, run_server, &server);
    check_process(&process, expected);
    if (process.status == goes_on)
        must(server.family == naive.family && server.port == naive.port &&
             server.timeout == naive.timeout);
    free_words(&server.line);
}
