// SPDX-License-Identifier: MIT
// process - start a program, or a part of the test itself.
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

// Even where the test is killed, and its destructors do not run.
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
    // Orphans come to the test, not to an init that may take its time.
    REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1, 0L, 0L, 0L) == 0);
    // Else a child that exits would print once more what waits to be printed.
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
        } catch (...) { // a REQUIRE that failed: its report is the output
        }
        std::cout.flush();
        fflush(nullptr);
        _exit(status);
    }
    setpgid(pid_, pid_); // here as well: whoever comes first
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
    // Static: where in_child leaves from a child of its own, valgrind still
    // finds who holds it.
    static std::vector<char *> words;
    for (const std::string &argument : arguments)
        words.push_back(const_cast<char *>(argument.c_str()));
    words.push_back(nullptr);
    for (const std::string &setting : options.environment)
        putenv(const_cast<char *>(setting.c_str()));
    setenv("ECHO_MP_IMAGE", "program", 1); // for tests/support/reports.sh
    // What the test itself was started with is none of the program's business:
    // a shell's background job, say, ignores SIGINT.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (int signo = 1; signo < SIGRTMIN; signo++)
        ::signal(signo, SIG_DFL);
    if (options.in_child)
        options.in_child();
    end_with_test(); // a change of user has undone it
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
    if (!reaped_ || !group_is_empty(pid_)) // else the number may be another's
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
    drain(output_pipe_, output); // else it may wait for it to be read
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
    // Where a user's own does not say so.
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
    // It would take a process more, and ends the program that has not got it.
    setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
    // Nobody else's, or next to: a container may have no more than 65536.
    uid_t user = 10000 + static_cast<uid_t>(getpid()) % 50000;
    if (setrlimit(RLIMIT_NPROC, &limit) == -1 || setgid(user) == -1 ||
        setuid(user) == -1)
        _exit(124);
}

// Reaps those of the group that PID has led which have come to the test, and
// counts them. Returns whether none is left: when a leader has ended, all that
// it leaves are the test's children. kill(2) would also find a group that has
// been given the same number since.
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
