// SPDX-License-Identifier: MIT
// mpaudit - starts a server and reports what it leaks, loses, leaves or wastes.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fnmatch.h>
#include <getopt.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/die.h"
#include "common/inherit.h"
#include "common/signals.h"
#include "mpaudit/checks.h"

static const char usage[] =
    "usage: mpaudit [-6hjlvV] [-e text] [-k pattern] [-p file] [-s text]\n"
    "               [-t seconds] command [argument ...]";
static const char help[] =
    "  -6, --ipv6             connect over IPv6\n"
    "  -e, --expect text      what a client must receive; no echo is asked\n"
    "  -h, --help             print this help and exit\n"
    "  -j, --json             print JSON, one object a line, instead of TAP\n"
    "  -k, --checks pattern   only the checks whose name matches\n"
    "  -l, --list             list the checks and exit\n"
    "  -p, --pid-file file    where the server writes its process ID\n"
    "  -s, --send text        what a client sends; no echo is asked\n"
    "  -t, --timeout seconds  how long to wait for the server (default 5)\n"
    "  -v, --verbose          report how long each check takes\n"
    "  -V, --version          print the version and exit\n"
    "\n"
    "command starts a server on {port}.";
static const struct option long_options[] = {
    {"ipv6", no_argument, nullptr, '6'},
    {"expect", required_argument, nullptr, 'e'},
    {"help", no_argument, nullptr, 'h'},
    {"json", no_argument, nullptr, 'j'},
    {"checks", required_argument, nullptr, 'k'},
    {"list", no_argument, nullptr, 'l'},
    {"pid-file", required_argument, nullptr, 'p'},
    {"send", required_argument, nullptr, 's'},
    {"timeout", required_argument, nullptr, 't'},
    {"verbose", no_argument, nullptr, 'v'},
    {"version", no_argument, nullptr, 'V'},
    {},
};
constexpr int exit_not_started = 3;

static struct {
    Form form = Form::tap;
    std::string pattern = "*";
    bool verbose = false;
} run_options;

// ---- the command line -------------------------------------------------------

// With \r, \n, \t, \0 and \\ as C has them.
static std::string unescaped(const char *name, const std::string &text) {
    static const std::string_view letters = "rnt0\\";
    static const char values[] = "\r\n\t\0\\";
    std::string all;
    for (size_t i = 0; i < text.size(); i++) {
        char c = text[i];
        if (c == '\\') {
            size_t at = letters.find(text.c_str()[++i]);
            if (at == letters.npos)
                die_usage(usage, "%s: '%s' has an unknown escape", name,
                          text.c_str());
            c = values[at];
        }
        all += c;
    }
    return all;
}

static void list_checks() {
    for (const Check &check : all_checks()) {
        std::string needs;
        needs += check.needs & a_fork ? " a process for each client," : "";
        needs += check.needs & an_echo ? " an echo," : "";
        needs += check.needs & tracing ? " strace(1)," : "";
        if (!needs.empty())
            needs = " (needs" + needs.substr(0, needs.size() - 1) + ")";
        printf("%-22s %s%s\n", check.name, check.claim, needs.c_str());
    }
}

[[noreturn]] static void finish(int status) {
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        die("standard output");
    exit(status);
}

static void read_option(int option, char **argv) {
    switch (option) {
    case '6':
        settings.family = AF_INET6;
        break;
    case 'e':
        settings.echo = false;
        settings.expect = unescaped("expect", optarg);
        break;
    case 'h':
        printf("%s\n\n%s\n", usage, help);
        finish(EXIT_SUCCESS);
    case 'j':
        run_options.form = Form::json;
        break;
    case 'k':
        run_options.pattern = optarg;
        break;
    case 'l':
        list_checks();
        finish(EXIT_SUCCESS);
    case 'p':
        settings.pid_file = optarg;
        break;
    case 's':
        settings.echo = false;
        settings.send = unescaped("send", optarg);
        break;
    case 't':
        deadline_seconds = argument_number(usage, "timeout", optarg, 1, 1000);
        break;
    case 'v':
        run_options.verbose = true;
        break;
    case 'V':
        printf("mpaudit %s\n", VERSION);
        finish(EXIT_SUCCESS);
    default:
        die_bad_option(usage, option, argv);
    }
}

static void read_command(char **words) {
    bool has_port = false;
    for (; *words != nullptr; words++) {
        settings.words.push_back(*words);
        has_port = has_port || strstr(*words, "{port}") != nullptr;
    }
    if (settings.words.empty())
        die_usage(usage, "command is missing");
    if (!has_port)
        die_usage(usage, "command: no argument has {port}");
    std::string &program = settings.words[0];
    std::string path =
        program.find('/') == program.npos ? path_of(program) : program;
    if (access(path.c_str(), X_OK) == -1) {
        warn("%s", program.c_str());
        exit(exit_not_started);
    }
    program = path;
}

static std::vector<Check> chosen_checks() {
    std::vector<Check> chosen = all_checks();
    std::erase_if(chosen, [](const Check &check) {
        return fnmatch(run_options.pattern.c_str(), check.name, 0) != 0;
    });
    if (chosen.empty())
        die_usage(usage, "checks: no name matches '%s'",
                  run_options.pattern.c_str());
    return chosen;
}

// ---- the run ----------------------------------------------------------------

// Throws NotServing if it does not serve at all.
static bool forks_for_a_client(std::string *how) {
    Result ignored;
    Subject subject(ignored);
    Fd client = subject.client();
    bool forks = subject.child_of(client) != -1;
    *how = forks ? "a process for each client"
                 : "no process for each client: what asks for one is skipped";
    if (subject.acceptors.size() > 1)
        *how += "; " + number(subject.acceptors.size()) +
                " processes hold the listener";
    return forks;
}

static Result result_of(const Check &check, bool forks) {
    Result result;
    auto start = std::chrono::steady_clock::now();
    try {
        if (check.needs & a_fork && !forks)
            throw Skip{"it makes no process for each client"};
        if (check.needs & an_echo && !settings.echo)
            throw Skip{"it needs an echo"};
        check.run(result);
    } catch (const std::runtime_error &failure) {
        if (result.faults.empty())
            result.skipped = failure.what();
    }
    std::ranges::replace(result.skipped, '\n', ' ');
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    if (run_options.verbose)
        result.comment(number(result.seconds) + " seconds");
    return result;
}

static bool run_checks(const std::vector<Check> &checks) {
    std::string how;
    bool forks = forks_for_a_client(&how);
    if (run_options.form == Form::tap)
        printf("TAP version 13\n1..%zu\n", checks.size());
    print_comment(run_options.form, "the server has " + how);
    bool progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
    int count = 0;
    bool good = true;
    for (const Check &check : checks) {
        if (progress)
            fprintf(stderr, "\r\033[K%d/%zu %s", count + 1, checks.size(),
                    check.name);
        Result result = result_of(check, forks);
        print_result(run_options.form, ++count, check.name, check.claim,
                     result);
        good = good && result.faults.empty();
    }
    if (progress)
        fprintf(stderr, "\r\033[K");
    if (interrupted) // while the last server was being ended
        throw Interrupted();
    return good;
}

static void on_signal(int signo) {
    interrupted = signo;
}

int main(int argc, char **argv) {
    if (reset_inherited() == -1)
        die("cannot reset inherited descriptors and signals");
    settings = {{}, AF_INET, "", "", true, ""};
    deadline_seconds = 5;
    int option = 0;
    opterr = 0; // die_bad_option() says it
    while ((option = next_option(argc, argv, "+:6e:hjk:lp:s:t:vV",
                                 long_options)) != -1)
        read_option(option, argv);
    std::vector<Check> checks = chosen_checks();
    read_command(argv + optind);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0L, 0L, 0L) == -1)
        die("PR_SET_CHILD_SUBREAPER");
    for (int signo : {SIGHUP, SIGINT, SIGTERM})
        (void)set_signal(signo, on_signal);
    allow_descriptors(~0U);
    try {
        finish(run_checks(checks) ? EXIT_SUCCESS : exit_failed);
    } catch (const std::runtime_error &failure) {
        warn_plain("%s", failure.what());
        return exit_not_started;
    } catch (const Interrupted &) {
        fflush(stdout);
        (void)signal(interrupted, SIG_DFL);
        (void)raise(interrupted);
        return 128 + interrupted;
    }
}
