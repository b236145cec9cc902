// SPDX-License-Identifier: MIT
// mpaudit - starts a server and reports what it leaks, loses, leaves or burns.
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
#include "mpaudit/checks.h"
#include "mpaudit/subject.h"
#include "support/waiting.h"

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

struct Options {
    Form form = Form::tap;
    std::string pattern = "*";
    bool verbose = false;
};

// ---- the command line -------------------------------------------------------

// With \r, \n, \t, \0 and \\ as C has them.
static std::string unescaped(const char *name, const std::string &text) {
    static const char letters[] = "rnt0\\";
    static const char values[] = "\r\n\t\0\\";
    std::string all;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '\\') {
            all += text[i];
            continue;
        }
        const char *letter =
            i + 1 < text.size() ? strchr(letters, text[i + 1]) : nullptr;
        if (letter == nullptr)
            die_usage(usage, "%s: '%s' has an unknown escape", name,
                      text.c_str());
        all += values[letter - letters];
        i++;
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

static void read_option(Options *options, int option, char **argv) {
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
        exit(EXIT_SUCCESS);
    case 'j':
        options->form = Form::json;
        break;
    case 'k':
        options->pattern = optarg;
        break;
    case 'l':
        list_checks();
        exit(EXIT_SUCCESS);
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
        options->verbose = true;
        break;
    case 'V':
        printf("mpaudit %s\n", VERSION);
        exit(EXIT_SUCCESS);
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

static std::vector<Check> chosen_checks(const std::string &pattern) {
    std::vector<Check> chosen;
    for (const Check &check : all_checks())
        if (fnmatch(pattern.c_str(), check.name, 0) == 0)
            chosen.push_back(check);
    if (chosen.empty())
        die_usage(usage, "checks: no name matches '%s'", pattern.c_str());
    return chosen;
}

// ---- the run ----------------------------------------------------------------

// Whether it serves at all, and how.
static bool forks_for_a_client(std::string *how) {
    Subject subject;
    Fd client = subject.client();
    pid_t child = subject.child_of(client);
    *how = child != -1 ? "a process for each client"
                       : "no process for each client: what asks for one is "
                         "skipped";
    if (subject.acceptors.size() > 1)
        *how += "; " + std::to_string(subject.acceptors.size()) +
                " processes hold the listener";
    return child != -1;
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
    } catch (const Skip &skip) {
        result.skipped = skip.why;
    } catch (const NotServing &failure) {
        result.skipped =
            std::string("it could not be asked: ") + failure.what();
    } catch (const std::runtime_error &failure) {
        result.skipped =
            std::string("it could not be asked: ") + failure.what();
    }
    if (!result.faults.empty())
        result.skipped = "";
    for (char &c : result.skipped)
        c = c == '\n' ? ' ' : c;
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    return result;
}

static bool run_checks(const Options &options,
                       const std::vector<Check> &chosen) {
    std::string how;
    bool forks = forks_for_a_client(&how);
    int count = static_cast<int>(chosen.size());
    print_head(options.form, count);
    print_comment(options.form, "the server has " + how);
    bool progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
    bool good = true;
    for (int i = 0; i < count; i++) {
        const Check &check = chosen[static_cast<size_t>(i)];
        if (progress)
            fprintf(stderr, "\r\033[K%d/%d %s", i + 1, count, check.name);
        Result result = result_of(check, forks);
        if (options.verbose)
            result.comment(std::to_string(result.seconds) + " seconds");
        print_result(options.form, i + 1, check.name, check.claim, result);
        good = good && result.faults.empty();
    }
    if (progress)
        fprintf(stderr, "\r\033[K");
    return good;
}

static void on_signal(int signo) {
    interrupted = signo;
}

static void catch_signals() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    for (int signo : {SIGHUP, SIGINT, SIGTERM})
        (void)sigaction(signo, &action, nullptr);
    (void)signal(SIGPIPE, SIG_IGN); // the server is still to be stopped
    (void)signal(SIGCHLD, SIG_DFL); // nothing could be reaped otherwise
}

int main(int argc, char **argv) {
    Options options;
    settings = {{}, AF_INET, "", "", true, ""};
    deadline_seconds = 5;
    int option = 0;
    opterr = 0; // die_bad_option() says it
    while ((option = next_option(argc, argv, "+:6e:hjk:lp:s:t:vV",
                                 long_options)) != -1)
        read_option(&options, option, argv);
    std::vector<Check> chosen = chosen_checks(options.pattern);
    read_command(argv + optind);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0L, 0L, 0L) == -1)
        die("PR_SET_CHILD_SUBREAPER");
    catch_signals();
    allow_descriptors(~0U);
    try {
        bool good = run_checks(options, chosen);
        if (fflush(stdout) != 0)
            die("standard output");
        return good ? EXIT_SUCCESS : exit_failed;
    } catch (const NotServing &failure) {
        warn_plain("%s", failure.what());
        return exit_not_started;
    } catch (const Interrupted &) {
        fflush(stdout);
        (void)signal(interrupted, SIG_DFL);
        (void)raise(interrupted);
        return 128 + interrupted;
    }
}
