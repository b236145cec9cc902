// SPDX-License-Identifier: MIT
// lifelines - runs a program under strace(1), or reads a record that strace has
// written, and draws what became of each process.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "common/arguments.h"
#include "common/die.h"
#include "common/signals.h"
#include "lifelines/draw.h"

static constexpr char usage[] =
    "usage: lifelines [-hT] [-n number] [-o file] [-r record] [-t title]\n"
    "                 [-w record] [program [argument ...]]";

static constexpr char help[] = R"(
  -h, --help           print this and exit
  -n, --number number  draw this many processes and count the others
                       (default 12)
  -o, --output file    write the picture there instead of standard output
  -r, --read record    run nothing: draw what strace has recorded
  -T, --text           draw for a terminal
  -t, --title text     title of the picture (default: the command)
  -w, --write record   keep strace's record of the run
)";

// What strace has to see; what starts a program makes few of these.
static const char calls[] =
    "trace=%process,%signal,%network,/^(alarm|clock_nanosleep|close|"
    "close_range|dup|dup2|dup3|epoll_p?wait2?|fcntl|fcntl64|futex|nanosleep|"
    "pause|p?poll|prctl|pselect6|readv?|restart_syscall|select|setitimer|"
    "writev?)(_time64)?$";

struct Orders {
    DrawOptions draw;
    const char *output = nullptr, *read = nullptr, *write = nullptr;
    bool text = false;
    char **program = nullptr;
};

static void read_option(Orders *orders, int option, char **argv) {
    switch (option) {
    case 'h':
        printf("%s\n%s", usage, help);
        if (fflush(stdout) != 0)
            die("standard output");
        exit(EXIT_SUCCESS);
    case 'n':
        orders->draw.most = static_cast<size_t>(
            argument_number(usage, "number", optarg, 1, 1000));
        break;
    case 'o':
        orders->output = optarg;
        break;
    case 'r':
        orders->read = optarg;
        break;
    case 'T':
        orders->text = true;
        break;
    case 't':
        orders->draw.title = optarg;
        break;
    case 'w':
        orders->write = optarg;
        break;
    default:
        die_bad_option(usage, option, argv);
    }
}

static Orders read_orders(int argc, char **argv) {
    static const struct option long_options[] = {
        {"help", no_argument, nullptr, 'h'},
        {"number", required_argument, nullptr, 'n'},
        {"output", required_argument, nullptr, 'o'},
        {"read", required_argument, nullptr, 'r'},
        {"text", no_argument, nullptr, 'T'},
        {"title", required_argument, nullptr, 't'},
        {"write", required_argument, nullptr, 'w'},
        {nullptr, 0, nullptr, 0}};
    Orders orders;
    opterr = 0; // die_bad_option() reports instead
    int option = 0;
    // '+': what follows the program's name is the program's.
    while ((option = next_option(argc, argv, "+:hn:o:r:Tt:w:", long_options)) !=
           -1)
        read_option(&orders, option, argv);
    orders.program = argv + optind;
    bool runs = *orders.program != nullptr;
    if (runs == (orders.read != nullptr))
        die_usage(usage, runs ? "-r runs no program" : "program is missing");
    if (orders.read != nullptr && orders.write != nullptr)
        die_usage(usage, "-r and -w exclude each other");
    if (runs && orders.output == nullptr && !orders.text)
        die_usage(usage, "-o is missing: standard output is the program's");
    return orders;
}

static std::string read_file(const char *path) {
    FILE *file = fopen(path, "re");
    if (file == nullptr)
        die("%s", path);
    std::string text;
    char piece[65536];
    size_t n = 0;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        text.append(piece, n);
    if (ferror(file) != 0)
        die("%s", path);
    fclose(file);
    return text;
}

static void write_file(const char *path, const std::string &text) {
    FILE *file = path == nullptr ? stdout : fopen(path, "we");
    const char *name = path == nullptr ? "standard output" : path;
    if (file == nullptr)
        die("%s", name);
    bool written = fwrite(text.data(), 1, text.size(), file) == text.size();
    if (fclose(file) != 0 || !written)
        die("%s", name);
}

// Runs PROGRAM to its end, its record into the file RECORD.
static void run(char **program, const char *record) {
    // Ctrl-C, and what else is sent to the whole group, is for the program;
    // strace does the same.
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    struct sigaction before[4], ignore = {};
    ignore.sa_handler = SIG_IGN;
    for (int i = 0; i < 4; i++)
        (void)sigaction(signals[i], &ignore, &before[i]);
    (void)set_signal(SIGCHLD, SIG_DFL); // ignored, nothing could be waited for
    pid_t pid = fork();
    if (pid == -1)
        die("fork");
    if (pid == 0) {
        for (int i = 0; i < 4; i++)
            (void)sigaction(signals[i], &before[i], nullptr);
        std::vector<const char *> words = {
            "strace", "-f",  "-ttt", "-T",         "-q", "-s",   "256",
            "-e",     calls, "-e",   "signal=all", "-o", record, "--"};
        for (char **word = program; *word != nullptr; word++)
            words.push_back(*word);
        words.push_back(nullptr);
        execvp(words[0], const_cast<char **>(words.data()));
        die("strace");
    }
    int status = 0;
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            die("waitpid");
    for (int i = 0; i < 4; i++)
        (void)sigaction(signals[i], &before[i], nullptr);
}

int main(int argc, char **argv) {
    Orders orders = read_orders(argc, argv);
    char temporary[] = "/tmp/lifelines-XXXXXX";
    const char *path = orders.read != nullptr ? orders.read : orders.write;
    bool unnamed = path == nullptr;
    if (unnamed) {
        int fd = mkstemp(temporary);
        if (fd == -1)
            die("%s", temporary);
        close(fd);
        path = temporary;
    }
    if (orders.read == nullptr) {
        write_file(path, ""); // where strace fails, no earlier run is drawn
        run(orders.program, path);
    }
    std::string text = read_file(path);
    if (unnamed)
        unlink(path);
    const char *name = unnamed ? orders.program[0] : path;

    Record record;
    RecordProblem problem;
    if (!read_record(text, &record, &problem))
        die_plain("%s:%zu: %s", name, problem.line, problem.what);
    if (record.events.empty())
        die_plain("%s: nothing is recorded",
                  orders.read != nullptr ? path : orders.program[0]);
    History history = history_of(record);
    write_file(orders.output, orders.text ? draw_text(history, orders.draw)
                                          : draw_svg(history, orders.draw));
    return EXIT_SUCCESS;
}
