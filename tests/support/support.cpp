// SPDX-License-Identifier: MIT
// support - what the tests share.
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <netinet/in.h>
#include <poll.h>
#include <regex.h>
#include <sched.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "support/machine.h"
#include "support/support.h"

using Clock = std::chrono::steady_clock;

bool under_valgrind() {
    return getenv("ECHO_MP_VALGRIND") != nullptr;
}

bool under_sanitizer() {
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer);
#else
    return false;
#endif
}

static Clock::time_point deadline_from_now() {
    return Clock::now() + std::chrono::seconds(deadline_seconds);
}

// ---- descriptors ------------------------------------------------------------

Fd::Fd(Fd &&other) noexcept : fd_(other.fd_) {
    other.fd_ = -1;
}

Fd &Fd::operator=(Fd &&other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Fd::~Fd() {
    close();
}

void Fd::close() {
    if (fd_ != -1)
        ::close(fd_);
    fd_ = -1;
}

Pipe make_pipe() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

Pipe make_socket_pair(int type) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

Fd scratch_file(std::string_view contents) {
    // Not memfd_create(2): in a memory file two processes' writes may collide.
    FILE *stream = tmpfile();
    REQUIRE(stream != nullptr);
    Fd file(fcntl(fileno(stream), F_DUPFD_CLOEXEC, 3));
    fclose(stream);
    REQUIRE(pwrite(file.get(), contents.data(), contents.size(), 0) ==
            static_cast<ssize_t>(contents.size()));
    return file;
}

bool eventually(const std::function<bool()> &condition) {
    Clock::time_point deadline = deadline_from_now();
    while (!condition()) {
        if (Clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

// ---- processes --------------------------------------------------------------

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

static void drain(Fd &from, std::string &into) {
    char buffer[65536];
    ssize_t n = 0;
    while ((n = read(from.get(), buffer, sizeof buffer)) > 0)
        into.append(buffer, static_cast<size_t>(n));
    if (n == 0)
        from.close(); // poll ignores -1
}

void Process::collect(int milliseconds) {
    struct pollfd fds[] = {{output_pipe_.get(), POLLIN, 0},
                           {errors_pipe_.get(), POLLIN, 0}};
    if (fds[0].fd == -1 && fds[1].fd == -1)
        milliseconds = std::min(milliseconds, 2);
    poll(fds, 2, milliseconds);
    if (fds[0].revents != 0)
        drain(output_pipe_, output);
    if (fds[1].revents != 0)
        drain(errors_pipe_, errors);
}

bool Process::has_ended() {
    int status = 0;
    collect(0); // else it may wait for its output to be read
    if (!reaped_ && waitpid(pid_, &status, WNOHANG) == pid_) {
        reaped_ = true;
        status_ =
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return reaped_;
}

int Process::wait() {
    Clock::time_point deadline = deadline_from_now();
    while (!has_ended() && Clock::now() < deadline)
        collect(5);
    collect(0);
    REQUIRE_MESSAGE(reaped_, "the process did not end; it printed: ", output,
                    errors);
    return status_;
}

bool Process::await_text(const std::string &in, std::string_view text,
                         int count) {
    Clock::time_point deadline = deadline_from_now();
    while (count_of(text, in) < count) {
        bool over = Clock::now() > deadline;
        bool last = has_ended(); // asked first: what it wrote is there by now
        collect(last ? 0 : 20);
        if (over || last)
            return count_of(text, in) >= count;
    }
    return true;
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

void raise_limit(__rlimit_resource resource) {
    struct rlimit limit = {};
    REQUIRE(getrlimit(resource, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(setrlimit(resource, &limit) == 0);
}

void allow_descriptors(unsigned count) {
    struct rlimit limit = {};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = count;
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

static Fd local_socket(int family, int port, sockaddr_storage *address,
                       socklen_t *size) {
    *address = {};
    address->ss_family = static_cast<sa_family_t>(family);
    auto *ipv4 = reinterpret_cast<sockaddr_in *>(address);
    auto *ipv6 = reinterpret_cast<sockaddr_in6 *>(address);
    in_port_t network_port = htons(static_cast<in_port_t>(port));
    if (family == AF_INET6) {
        ipv6->sin6_addr = in6addr_loopback;
        ipv6->sin6_port = network_port;
        *size = sizeof *ipv6;
    } else {
        ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ipv4->sin_port = network_port;
        *size = sizeof *ipv4;
    }
    Fd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct timeval limit = {deadline_seconds, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

// ---- /proc ------------------------------------------------------------------

static std::string proc_text(pid_t pid, const char *name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string status_field(pid_t pid, const std::string &name) {
    for (const std::string &line : lines_of(proc_text(pid, "status")))
        if (line.starts_with(name + ":\t"))
            return line.substr(name.size() + 2);
    return "";
}

unsigned long long signal_mask(pid_t pid, const std::string &name) {
    constexpr int first_real_time = 32; // the kernel's; the library's is later
    unsigned long long of_library =
        (1ULL << (SIGRTMIN - 1)) - (1ULL << (first_real_time - 1));
    std::string mask = status_field(pid, name);
    return mask.empty() ? 0 : std::stoull(mask, nullptr, 16) & ~of_library;
}

std::string process_state(pid_t pid) {
    return status_field(pid, "State").substr(0, 1);
}

// Every process whose status has VALUE in the line NAME.
static std::vector<pid_t> processes_with(const std::string &name,
                                         const std::string &value) {
    std::vector<pid_t> found;
    DIR *proc = opendir("/proc");
    REQUIRE(proc != nullptr);
    while (const struct dirent *entry = readdir(proc)) {
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && status_field(pid, name) == value)
            found.push_back(pid);
    }
    closedir(proc);
    return found;
}

std::vector<pid_t> children_of(pid_t pid) {
    return processes_with("PPid", std::to_string(pid));
}

pid_t only_child_of(pid_t pid) {
    std::vector<pid_t> children;
    REQUIRE(eventually([&] {
        children = children_of(pid);
        return children.size() == 1;
    }));
    return children.front();
}

std::vector<pid_t> members_of_group(pid_t pid) {
    return processes_with("NSpgid", std::to_string(pid));
}

// Whether valgrind, which runs PID, has opened this: its log, which it leaves
// open at the first free number too, or one of the 12 numbers that it reserves.
static bool is_valgrinds(pid_t pid, int fd, const char *target) {
    const char *logs = getenv("ECHO_MP_VALGRIND");
    if (logs == nullptr)
        return false;
    struct rlimit limit = {};
    (void)prlimit(pid, RLIMIT_NOFILE, nullptr, &limit);
    return strncmp(target, logs, strlen(logs)) == 0 ||
           static_cast<rlim_t>(fd) + 12 >= limit.rlim_cur;
}

Descriptors descriptors_of(pid_t pid) {
    Descriptors descriptors;
    std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    DIR *fds = opendir(folder.c_str());
    while (const struct dirent *entry = fds ? readdir(fds) : nullptr) {
        char target[256] = {};
        std::string path = folder + "/" + entry->d_name;
        if (readlink(path.c_str(), target, sizeof target - 1) > 0 &&
            !is_valgrinds(pid, atoi(entry->d_name), target))
            descriptors[atoi(entry->d_name)] = target;
    }
    if (fds != nullptr)
        closedir(fds);
    return descriptors;
}

std::string text_of(const Descriptors &descriptors) {
    std::string text;
    for (const auto &[fd, target] : descriptors)
        text += " " + std::to_string(fd) + "=" + target;
    return text;
}

Fd copy_of_descriptor(pid_t pid, int fd) {
    Fd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    return Fd(static_cast<int>(syscall(SYS_pidfd_getfd, pid_fd.get(), fd, 0)));
}

long ticks_of(pid_t pid) {
    std::string text = proc_text(pid, "stat");
    size_t name_end = text.rfind(')');
    if (name_end == text.npos)
        return 0;
    std::istringstream fields(text.substr(name_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; i++) // state is field 3, utime 14
        fields >> skipped;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    return user + system;
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

// ---- the server -------------------------------------------------------------

std::vector<std::string>
server_command(const std::vector<std::string> &options) {
    std::vector<std::string> words = {program("echo_mpserv")};
    if (!have_seccomp())
        words.push_back("-S");
    words.insert(words.end(), options.begin(), options.end());
    return words;
}

static std::vector<std::string> at_free_port(std::vector<std::string> options) {
    options.push_back("0");
    return server_command(options);
}

Server::Server(const std::vector<std::string> &options,
               const StartOptions &start)
    : Process(at_free_port(options), start) {
    if (start.output != -1)
        return; // the test itself will find out the port
    REQUIRE_MESSAGE(output_has("\n"), errors);
    port = announced_port(output);
}

void pass_listener(const Fd &listener) {
    if (listener.get() == 3)
        fcntl(3, F_SETFD, 0);
    else
        dup2(listener.get(), 3);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "1", 1);
}

int announced_port(const std::string &output) {
    size_t line = output.find("listening on ");
    REQUIRE(line != output.npos);
    size_t end = output.find('\n', line);
    size_t colon = output.rfind(':', end);
    return std::stoi(output.substr(colon + 1, end - colon - 1));
}

int try_to_dial(int port, int family, Fd *fd) {
    struct sockaddr_storage address;
    socklen_t size = 0;
    *fd = local_socket(family, port, &address, &size);
    return connect(fd->get(), reinterpret_cast<struct sockaddr *>(&address),
                   size);
}

// The reason is taken at once: a message is made only when it is needed, and
// errno is another's by then.
static void require(bool done) {
    std::string reason = done ? "" : strerror(errno);
    REQUIRE_MESSAGE(done, reason);
}

Fd dial(int port, int family) {
    Fd fd;
    require(try_to_dial(port, family, &fd) == 0);
    return fd;
}

bool is_listening(int port) {
    Fd fd;
    return try_to_dial(port, AF_INET, &fd) == 0;
}

Fd dial(int port) {
    return dial(port, AF_INET);
}

int refusing_port(Fd *holder) {
    struct sockaddr_storage address;
    socklen_t size = 0;
    *holder = local_socket(AF_INET, 0, &address, &size);
    auto *generic = reinterpret_cast<struct sockaddr *>(&address);
    REQUIRE(bind(holder->get(), generic, size) == 0);
    REQUIRE(getsockname(holder->get(), generic, &size) == 0);
    return ntohs(reinterpret_cast<sockaddr_in *>(&address)->sin_port);
}

Fd listen_locally(int *port) {
    Fd fd;
    *port = refusing_port(&fd);
    REQUIRE(listen(fd.get(), SOMAXCONN) == 0);
    return fd;
}

void send_all(const Fd &fd, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t n = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue; // the test was stopped and went on
        require(n > 0);
        bytes.remove_prefix(static_cast<size_t>(n));
    }
}

Fd mptcp_socket() {
    return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
}

std::string send_what_fits(const Fd &fd) {
    std::string piece = pattern(1 << 16);
    std::string sent;
    ssize_t n = 0;
    while ((n = send(fd.get(), piece.data(), piece.size(),
                     MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
        sent.append(piece, 0, static_cast<size_t>(n));
    return sent;
}

std::string receive(const Fd &fd, size_t size) {
    std::string bytes(size, '\0');
    size_t filled = 0;
    while (filled < size) {
        ssize_t n = read(fd.get(), bytes.data() + filled, size - filled);
        if (n == -1 && errno == EINTR)
            continue; // the test was stopped and went on
        require(n >= 0);
        if (n == 0)
            break;
        filled += static_cast<size_t>(n);
    }
    bytes.resize(filled);
    return bytes;
}

std::string receive_to_end(const Fd &fd) {
    std::string all;
    for (;;) {
        std::string more = receive(fd, 65536);
        all += more;
        if (more.size() < 65536)
            return all;
    }
}

void finish_sending(const Fd &fd) {
    REQUIRE(shutdown(fd.get(), SHUT_WR) == 0);
}

void reset_connection(Fd &fd) {
    struct linger at_once = {1, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd.close();
}

bool echoes(const Fd &fd, std::string_view bytes) {
    send_all(fd, bytes);
    return receive(fd, bytes.size()) == bytes;
}

std::string pattern(size_t size) {
    std::string bytes(size, '\0');
    uint32_t state = 1;
    for (char &byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}
