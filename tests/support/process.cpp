// SPDX-License-Identifier: MIT
// process - starts a program, or a function of the test.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <regex.h>
#include <sched.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/process.h"
#include "support/require.h"
#include "support/waiting.h"

static void put_at(int fd, int number) {
    if (fd == number)
        fcntl(fd, F_SETFD, 0);
    else if (dup2(fd, number) == -1)
        _exit(126);
}

// Works even if the test is killed and its destructors do not run.
static void end_with_test() {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int or_else(int fd, const Fd &other) {
    return fd == -1 ? other.get() : fd;
}

void Process::start(const StartOptions &options,
                    const std::function<void()> &run) {
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    // Orphans must be reparented to the test, not to a perhaps slow init.
    REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1, 0L, 0L, 0L) == 0);
    // Buffered output would otherwise be printed by the child as well.
    std::cout.flush();
    fflush(nullptr);
    pid_ = fork();
    REQUIRE(pid_ != -1);
    if (pid_ == 0) {
        setpgid(0, 0);
        put_at(or_else(options.input, null), STDIN_FILENO);
        put_at(or_else(options.output, out.write_end), STDOUT_FILENO);
        put_at(or_else(options.errors, err.write_end), STDERR_FILENO);
        end_with_test();
        int status = 125;
        try {
            run();
            status = 0;
        } catch (const std::exception &failure) {
            std::cout << failure.what() << '\n';
        } catch (...) { // a failed REQUIRE: its report is the output
        }
        std::cout.flush();
        fflush(nullptr);
        _exit(status);
    }
    setpgid(pid_, pid_); // in both processes, to avoid a race
    output_pipe_ = std::move(out.read_end);
    errors_pipe_ = std::move(err.read_end);
    fcntl(output_pipe_.get(), F_SETFL, O_NONBLOCK);
    fcntl(errors_pipe_.get(), F_SETFL, O_NONBLOCK);
}

// Opened beforehand, so that the program may run as a user who cannot reach it.
static void execute(const std::vector<std::string> &arguments,
                    const StartOptions &options) {
    Fd opened(open(arguments[0].c_str(), O_RDONLY | O_CLOEXEC));
    Fd image(fcntl(opened.get(), F_DUPFD_CLOEXEC, 10)); // out of in_child's way
    // Static, so that valgrind finds it reachable if in_child forks and exits.
    static std::vector<char *> words;
    for (const std::string &argument : arguments)
        words.push_back(const_cast<char *>(argument.c_str()));
    words.push_back(nullptr);
    for (const std::string &setting : options.environment)
        putenv(const_cast<char *>(setting.c_str()));
    setenv("ECHO_MP_IMAGE", "program", 1); // for tests/support/reports.sh
    // The program must not inherit what the test was started with: a background
    // job of a shell, for example, ignores SIGINT.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (int signo = 1; signo < SIGRTMIN; signo++)
        ::signal(signo, SIG_DFL);
    if (options.in_child)
        options.in_child();
    end_with_test(); // a change of user clears it
    fexecve(image.get(), words.data(), environ);
    execv(words[0], words.data()); // a script, which its shell opens by name
    _exit(127);
}

Process::Process(const std::vector<std::string> &arguments,
                 const StartOptions &options) {
    start(options, [&] { execute(arguments, options); });
}

Process::Process(const std::function<void()> &body) {
    start({}, body);
}

Process::~Process() {
    if (!reaped_ || !group_is_empty(pid_)) // the ID may have been reused
        kill(-pid_, SIGKILL);
    while (waitpid(-pid_, nullptr, 0) > 0)
        ;
}

static void drain(const Fd &from, std::string &into) {
    char buffer[65536];
    ssize_t n = 0;
    while ((n = read(from.get(), buffer, sizeof buffer)) > 0)
        into.append(buffer, static_cast<size_t>(n));
}

bool Process::has_ended() {
    int status = 0;
    if (!reaped_ && waitpid(pid_, &status, WNOHANG) == pid_) {
        reaped_ = true;
        status_ =
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    drain(output_pipe_, output); // it may be blocked on a full pipe
    drain(errors_pipe_, errors);
    return reaped_;
}

int Process::wait() {
    (void)eventually([this] { return has_ended(); });
    REQUIRE_MESSAGE(reaped_, "the process did not end; it printed: ", output,
                    errors);
    return status_;
}

bool Process::await_text(const std::string &in, std::string_view text,
                         int count) {
    auto there = [&] { return count_of(text, in) >= count; };
    (void)eventually([&] { return there() || has_ended(); });
    return there();
}

bool Process::output_has(std::string_view text, int count) {
    return await_text(output, text, count);
}

bool Process::errors_have(std::string_view text, int count) {
    return await_text(errors, text, count);
}

void Process::signal(int signo) const {
    REQUIRE(kill(pid_, signo) == 0);
}

static std::string path_in(const std::string &variable,
                           const std::string &name) {
    const char *folder = getenv(variable.c_str());
    REQUIRE_MESSAGE(folder != nullptr, "run by `meson test`, which sets ",
                    variable);
    return std::string(folder) + "/" + name;
}

std::string program(const std::string &name) {
    return path_in("ECHO_MP_PROGRAMS", name);
}

std::string test_program(const std::string &name) {
    return path_in("ECHO_MP_TEST_PROGRAMS", name);
}

std::string path_of(const std::string &name) {
    const char *variable = getenv("PATH");
    std::string path = variable == nullptr ? "" : variable;
    // A user's PATH may lack these.
    std::istringstream folders(path + ":/usr/local/sbin:/usr/sbin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::string file = folder + "/" + name;
        if (access(file.c_str(), X_OK) == 0)
            return file;
    }
    return "";
}

Run run(const std::vector<std::string> &arguments,
        const StartOptions &options) {
    Process process(arguments, options);
    int status = process.wait();
    return {status, process.output, process.errors};
}

Run run_in_child(const std::function<void()> &body) {
    Process process(body);
    int status = process.wait();
    return {status, process.output, process.errors};
}

void check_in_child(const std::function<void()> &body) {
    Run child = run_in_child(body);
    REQUIRE_MESSAGE(child.status == 0, child.output);
}

bool matches(const std::string &text, const std::string &expression) {
    regex_t compiled;
    REQUIRE(regcomp(&compiled, ("^(" + expression + ")$").c_str(),
                    REG_EXTENDED | REG_NOSUB) == 0);
    bool matched = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return matched;
}

int count_of(std::string_view text, std::string_view in) {
    int count = 0;
    for (size_t at = in.find(text); at != in.npos; at = in.find(text, at + 1))
        count++;
    return count;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

Words words_of(const std::string &text) {
    Words words;
    std::istringstream stream(text);
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

void allow_descriptors(unsigned count) {
    struct rlimit limit = {};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = std::min<rlim_t>(count, limit.rlim_max);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

void block_every_signal() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
}

void become_process_1() {
    int status = 0;
    pid_t pid = unshare(CLONE_NEWPID) == 0 ? fork() : -1;
    if (pid == 0)
        return;
    bool exited = waitpid(pid, &status, 0) == pid && WIFEXITED(status);
    _exit(exited ? WEXITSTATUS(status) : 126);
}

void become_limited_user(int processes) {
    struct rlimit limit = {};
    (void)getrlimit(RLIMIT_NPROC, &limit);
    limit.rlim_cur = static_cast<rlim_t>(processes);
    // The leak check needs another process, and aborts without one.
    setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
    // Probably unused; below 65536, as a container may map no more.
    uid_t user = 10000 + static_cast<uid_t>(getpid()) % 50000;
    if (setrlimit(RLIMIT_NPROC, &limit) == -1 || setgid(user) == -1 ||
        setuid(user) == -1)
        _exit(124);
}

// Reaps and counts the members of the group led by PID that were reparented to
// the test. Returns whether none is left: once the leader has terminated, all
// that remain are the test's children. kill(2) would also find a later group
// that reuses the ID.
static bool reap_orphans(pid_t pid, int *count) {
    pid_t reaped = 0;
    while ((reaped = waitpid(-pid, nullptr, WNOHANG)) > 0)
        ++*count;
    return reaped == -1 && errno == ECHILD;
}

bool group_is_empty(pid_t pid) {
    int count = 0;
    return reap_orphans(pid, &count);
}

int orphans_left_by(pid_t pid) {
    int count = 0;
    CHECK(eventually([&] { return reap_orphans(pid, &count); }));
    return count;
}
