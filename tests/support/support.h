// SPDX-License-Identifier: MIT
// support - what the tests share: start a process, talk to it, wait for a
// condition with a deadline, and read what /proc says of it. Everything that a
// test starts ends with the test, by its process group. Nothing here sleeps
// and hopes: a wait ends when its condition holds, or fails the test.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <vector>

// Whether valgrind runs the test and what it starts (tests/support/reports.sh).
// It catches all signals, and opens standard descriptors that are closed.
bool under_valgrind();
// Whether this build has a sanitizer that watches memory.
bool under_sanitizer();

// Long enough for a busy machine and a sanitizer; nothing waits it out but a
// test that fails.
inline const int deadline_seconds = under_valgrind() ? 120 : 40;

// A descriptor that is closed with its owner.
class Fd {
  public:
    explicit Fd(int fd = -1) : fd_(fd) {
    }
    Fd(Fd &&other) noexcept;
    Fd &operator=(Fd &&other) noexcept;
    ~Fd();
    int get() const {
        return fd_;
    }
    void close();

  private:
    int fd_;
};

struct Pipe {
    Fd read_end, write_end;
};
Pipe make_pipe();
// Connected both ways; of SOCK_SEQPACKET each write is read apart.
Pipe make_socket_pair(int type = SOCK_STREAM);

// A file without a name, open for reading and writing.
Fd scratch_file(std::string_view contents = {});

// Asks CONDITION again and again until it holds; false at the deadline.
bool eventually(const std::function<bool()> &condition);

// ---- processes --------------------------------------------------------------

struct StartOptions {
    int input = -1;  // descriptor for standard input; -1 is /dev/null
    int output = -1; // -1 collects it in Process::output
    int errors = -1; // -1 collects it in Process::errors
    std::vector<std::string> environment; // besides the test's own: "NAME=X"
    std::function<void()> in_child; // last thing before the program begins
};

class Process {
  public:
    // Runs ARGUMENTS, the first being the program's path, as the leader of a
    // process group of its own.
    explicit Process(const std::vector<std::string> &arguments,
                     const StartOptions &options = {});
    // Runs BODY in a forked child, which then ends with status 0.
    explicit Process(const std::function<void()> &body);
    ~Process(); // kills the whole group and reaps it
    Process(const Process &) = delete;

    pid_t pid() const {
        return pid_;
    }
    // Waits for its end, collecting its output. Returns its exit status, or
    // 128 + N when signal N ended it; fails the test at the deadline.
    int wait();
    bool has_ended(); // without waiting
    // Reads standard output or error until it holds TEXT, COUNT times.
    bool output_has(std::string_view text, int count = 1);
    bool errors_have(std::string_view text, int count = 1);
    void signal(int signo) const;

    std::string output, errors;

  private:
    void start(const StartOptions &options, const std::function<void()> &run);
    void collect(int milliseconds);
    bool await_text(const std::string &in, std::string_view text, int count);

    pid_t pid_ = -1;
    int status_ = -1;
    bool reaped_ = false;
    Fd output_pipe_, errors_pipe_;
};

// The path of one of the project's programs, from ECHO_MP_PROGRAMS.
std::string program(const std::string &name);
// The path of a program of the tests' own, from ECHO_MP_TEST_PROGRAMS.
std::string test_program(const std::string &name);

// One run to its end.
struct Run {
    int status;
    std::string output, errors;
};
Run run(const std::vector<std::string> &arguments,
        const StartOptions &options = {});
Run run_in_child(const std::function<void()> &body);

// Whether all of TEXT matches the extended regular expression of regex(7).
bool matches(const std::string &text, const std::string &expression);
int count_of(std::string_view text, std::string_view in);
std::vector<std::string> lines_of(const std::string &text);

// Keeps the test's own soft limit of RESOURCE at its hard limit.
void raise_limit(__rlimit_resource resource);
// From now on the calling process opens no descriptor from COUNT on.
void allow_descriptors(unsigned count);
// For StartOptions::in_child.
void block_every_signal();
// For StartOptions::in_child: makes the program process 1 of a PID namespace,
// as `unshare --pid --fork` does. The process that was started waits for it,
// and ends with its status, or with 126 where a signal has killed it.
void become_process_1();
// Ends being root: the process goes on as a user of its own who may have
// PROCESSES processes, itself included. RLIMIT_NPROC does not bind root.
void become_limited_user(int processes);

// ---- /proc ------------------------------------------------------------------

// "Z" and so on, or "" when there is no such process.
std::string process_state(pid_t pid);
// A line of /proc/PID/status, such as "SigCgt", without its name; "" if absent.
std::string status_field(pid_t pid, const std::string &name);
// Such a line as a mask of signals, signal 1 being its lowest bit; 0 if absent.
// Without those that the C library keeps for itself: whatever posix_spawn(3)
// has started, as ninja starts tests, ignores some of them.
unsigned long long signal_mask(pid_t pid, const std::string &name);
std::vector<pid_t> children_of(pid_t pid);
// Waits until there is one, and no second.
pid_t only_child_of(pid_t pid);
// Every process, zombies too, of the group that PID leads or has led.
std::vector<pid_t> members_of_group(pid_t pid);
// Descriptor to link target, without those that valgrind has opened.
using Descriptors = std::map<int, std::string>;
Descriptors descriptors_of(pid_t pid);
// " 0=/dev/null 1=..."
std::string text_of(const Descriptors &descriptors);
// A copy of PID's descriptor FD; -1 where the host does not let us, as
// pidfd_getfd(2) in some containers.
Fd copy_of_descriptor(pid_t pid, int fd);
// User and system time of PID, in clock ticks; 0 when there is no such process.
long ticks_of(pid_t pid);
// Whether no process is left in the group that PID, already reaped, has led.
bool group_is_empty(pid_t pid);
// Waits until none is left in that group. Returns how many of it nobody but the
// test was there to reap.
int orphans_left_by(pid_t pid);

// ---- the server -------------------------------------------------------------

// echo_mpserv OPTIONS, with -S where the kernel has no filter for its sandbox.
std::vector<std::string>
server_command(const std::vector<std::string> &options = {});

class Server : public Process {
  public:
    // echo_mpserv OPTIONS on a free port; waits until it listens.
    explicit Server(const std::vector<std::string> &options = {},
                    const StartOptions &start = {});
    int port = 0;
};

// For StartOptions::in_child: passes LISTENER on as systemd would.
void pass_listener(const Fd &listener);

// The port in a line "listening on ADDRESS:PORT" of OUTPUT.
int announced_port(const std::string &output);

// A loopback connection; its reads and writes fail at the deadline.
Fd dial(int port, int family);
Fd dial(int port); // by IPv4
// A port of loopback that is taken, but where nobody listens, while *HOLDER is
// open.
int refusing_port(Fd *holder);
// One attempt: *FD is its socket, the result connect(2)'s.
int try_to_dial(int port, int family, Fd *fd);
// Whether somebody takes connections at PORT.
bool is_listening(int port);
// A loopback listener of the test's own, on a free port.
Fd listen_locally(int *port);

// A socket of Multipath TCP, or none where the kernel lacks it.
Fd mptcp_socket();

void send_all(const Fd &fd, std::string_view bytes);
// Sends pattern() until nothing more goes in, for the peer does not read.
// Returns all that has been sent.
std::string send_what_fits(const Fd &fd);
std::string receive(const Fd &fd, size_t size); // fewer only at end of file
std::string receive_to_end(const Fd &fd);
// Half-closes: the peer reads end of file.
void finish_sending(const Fd &fd);
// Closes with a reset instead of an end of file.
void reset_connection(Fd &fd);
// BYTES there and back.
bool echoes(const Fd &fd, std::string_view bytes);
// SIZE bytes in which each position differs from its neighbours.
std::string pattern(size_t size);
