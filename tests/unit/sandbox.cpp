// SPDX-License-Identifier: MIT
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <initializer_list>
#include <linux/net.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <set>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "common/log.h"
#include "common/signals.h"
#include "common/sockets.h"
#include "common/stream.h"
#include "server/children.h"
#include "server/events.h"
#include "server/sandbox.h"
#include "server/serve.h"
#include "support/machine.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/waiting.h"
#include "support/wrap.h"

static int status_inside(const std::function<int()> &body) {
    return run_in_child([&body] {
               if (sandbox_enter() == -1)
                   _exit(99);
               _exit(body());
           })
        .status;
}

constexpr int killed = 128 + SIGSYS;

static const bool refused = sandbox_built_in() && !have_seccomp();
static const bool sandboxed = sandbox_built_in() && !refused;

TEST_CASE("a kernel without filters is reported" * doctest::skip(!refused)) {
    CHECK(sandbox_enter() == -1);
    CHECK(errno == ENOSYS);
}

TEST_SUITE_BEGIN("with filters" * doctest::skip(refused));

// ---- a compromised child ----------------------------------------------------

struct Attempt {
    const char *what;
    std::function<int()> does; // in a process inside the sandbox
};

static pid_t parent, sibling; // of that process
alignas(4096) static char page[4096];

template <typename... Arguments>
static int call(long number, Arguments... arguments) {
    return static_cast<int>(syscall(number, arguments...));
}

// Each must terminate the process that tries it, before it does harm: the calls
// whose arguments the filter looks at, with others, and a few of those that it
// does not list. That it lists no call without need is proved below.
static const Attempt attempts[] = {
    {"stop the parent", [] { return kill(parent, SIGSTOP); }},
    {"interrupt the parent", [] { return kill(parent, SIGTERM); }},
    {"stop a sibling", [] { return kill(sibling, SIGSTOP); }},
    {"kill every process", [] { return kill(-1, SIGKILL); }},
    {"kill its group", [] { return kill(0, SIGKILL); }},
    {"kill another group", [] { return kill(-parent, SIGKILL); }},
    {"signal a thread", [] { return call(SYS_tgkill, parent, parent, 9); }},
    {"make writes block", [] { return fcntl(1, F_SETFL, 0); }},
    {"own SIGIO", [] { return fcntl(1, F_SETOWN, parent); }},
    {"choose its signal", [] { return fcntl(1, F_SETSIG, SIGKILL); }},
    {"copy by fcntl", [] { return fcntl(1, F_DUPFD, 9); }},
    {"type on a terminal", [] { return ioctl(1, TIOCSTI, "x"); }},
    {"send to an address",
     [] {
         struct sockaddr_in to = {};
         auto *address = reinterpret_cast<struct sockaddr *>(&to);
         return static_cast<int>(sendto(1, "x", 1, 0, address, sizeof to));
     }},
    {"set another option",
     [] {
         int on = 1;
         return setsockopt(1, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
     }},
#ifdef SYS_socketcall // with 0 in its unused registers
    {"send to an address by socketcall",
     [] { return call(SYS_socketcall, SYS_SENDTO, page, 0, 0, 0); }},
    {"set an option by socketcall",
     [] { return call(SYS_socketcall, SYS_SETSOCKOPT, page, 0, 0, 0); }},
#endif
    {"map code",
     [] {
         void *code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return code == MAP_FAILED ? 1 : 0;
     }},
#if defined SYS_mmap2 && defined SYS_mmap
    {"map code by a pointer", [] { return call(SYS_mmap, page, 0, 0, 0, 0); }},
#endif
    {"make memory code", [] { return mprotect(page, 4096, PROT_EXEC); }},
    {"make a thread",
     [] { return call(SYS_clone, CLONE_VM | SIGCHLD, 0, 0, 0, 0); }},
    {"fork with another signal",
     [] { return call(SYS_clone, SIGUSR1, 0, 0, 0, 0); }},
    {"fork in a namespace",
     [] { return call(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }},
    {"open a file", [] { return open("/etc/passwd", O_RDONLY); }},
    {"make a socket", [] { return socket(AF_INET, SOCK_STREAM, 0); }},
    {"execute", [] { return execl("/bin/true", "true", nullptr); }},
    {"trace the parent", [] { return call(SYS_ptrace, 16, parent, 0, 0); }},
};

TEST_CASE("a compromised child can do none of this" *
          doctest::skip(!sandboxed)) {
    parent = getpid();
    Process other([] { pause(); });
    sibling = other.pid();
    for (const Attempt &attempt : attempts)
        CHECK_MESSAGE(status_inside(attempt.does) == killed,
                      std::string(attempt.what));
    CHECK_FALSE(other.has_ended());
}

#ifdef __x86_64__
// Calls getpid(2), whose number differs in each.
TEST_CASE("calls of another ABI are fatal" * doctest::skip(!sandboxed)) {
    constexpr int x32 = 0x40000000;
    CHECK(status_inside([] { return call(x32 | SYS_getpid); }) == killed);
    auto call_as_i386 = [] {
        long number = 20;
        asm volatile("int $0x80" : "+a"(number) : : "memory");
        return 0;
    };
    if (run_in_child([&] { _exit(call_as_i386()); }).status == 0)
        CHECK(status_inside(call_as_i386) == killed);
}
#endif

// Landlock does since Linux 6.12.
static bool landlock_scopes_signals() {
    return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) >= 6;
}

TEST_CASE("processes outside the sandbox cannot be killed" *
          doctest::skip(!sandboxed || !landlock_scopes_signals())) {
    parent = getpid();
    CHECK(status_inside([] {
              bool refused_ = kill(parent, SIGKILL) == -1 && errno == EPERM;
              pid_t own = fork();
              if (own == 0)
                  for (;;)
                      (void)wait_for(-1, -1);
              return refused_ && kill(own, SIGKILL) == 0 ? 0 : 1;
          }) == 0);
}

#ifdef HAVE_SECCOMP

enum class Failing { none, init, rule, load };
static Failing failing;
static std::set<int> ruled; // the allowed calls on this machine
static int left_out = -1;   // the one removed from the allowlist

WRAP(seccomp_init);
WRAP(seccomp_load);
WRAP(seccomp_rule_add_array);

scmp_filter_ctx __wrap_seccomp_init(uint32_t action) {
    return failing == Failing::init ? nullptr : __real_seccomp_init(action);
}

int __wrap_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action,
                                  int call, unsigned count,
                                  const struct scmp_arg_cmp *conditions) {
    if (failing == Failing::rule)
        return -EFAULT;
    if (call >= 0) // negative: a call that this machine lacks
        ruled.insert(call);
    if (call == left_out)
        return 0;
    return __real_seccomp_rule_add_array(filter, action, call, count,
                                         conditions);
}

int __wrap_seccomp_load(scmp_filter_ctx filter) {
    return failing == Failing::load ? -ECANCELED : __real_seccomp_load(filter);
}

// Whether sandbox_enter() fails with REASON and leaves every call allowed.
static bool is_told(Failing call, int reason) {
    return run_in_child([call, reason] {
               failing = call;
               bool told = sandbox_enter() == -1 && errno == reason;
               Fd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
               _exit(told && file.get() != -1 ? 0 : 1);
           }).status == 0;
}

TEST_CASE("a sandbox that fails is reported, and not installed in part") {
    CHECK(is_told(Failing::init, ENOSYS));
    CHECK(is_told(Failing::rule, EFAULT));
    CHECK(is_told(Failing::load, ECANCELED));
}

// ---- whether each allowed call is needed ------------------------------------

// Something that a server does: prepared outside, done inside the sandbox.
struct Deed {
    const char *what;
    std::function<void()> prepare, does;
};

static Fd first, second; // passed from prepare() to does()
static struct children children;

// A server, with a client that ends and one that stays. In a process of their
// own, they send SIGTERM to it once each has been answered or cut off.
static void prepare_server() {
    int port = 0;
    first = listen_locally(&port);
    fcntl(first.get(), F_SETFL, O_NONBLOCK);
    if (children_open(&children, 4) == -1 || serve_signals() == -1)
        _exit(98);
    pid_t server = getpid();
    if (fork() != 0)
        return;
    first.close();
    Fd orderly = dial(port);
    Fd silent = dial(port);
    char byte = 0;
    for (int client : {silent.get(), orderly.get()}) {
        (void)send(client, "x", 1, MSG_NOSIGNAL);
        (void)read(client, &byte, 1);
    }
    orderly.close();
    kill(server, SIGTERM);
    for (;;)
        pause();
}

static void do_serve() {
    struct client_options options = {.timeout = 0};
    struct serve_settings settings = {first.get(), 0, 1, true, &options};
    int result = serve(&settings, &children);
    children_close(&children);
    _exit(result == 0 ? 0 : 1);
}

// A socket with a full send buffer and a short timeout.
static void prepare_full_socket() {
    Pipe pair = make_socket_pair();
    first = std::move(pair.read_end);
    second = std::move(pair.write_end);
    struct timeval moment = {0, 1000};
    setsockopt(second.get(), SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof moment);
    (void)send_what_fits(second);
}

static void prepare_socket_log() {
    prepare_full_socket();
    dup2(first.get(), STDOUT_FILENO);
    if (log_open() == -1)
        _exit(98);
}

extern "C" [[noreturn]] void __stack_chk_fail();

static const Deed deeds[] = {
    {"write_all: a time-out", prepare_full_socket,
     [] { (void)write_all(second.get(), "x", 1); }},
    {"log_line: what may block", [] {}, [] { log_line("x"); }},
    {"log_line: a socket", prepare_socket_log, [] { log_line("x"); }},
    {"pause_for", [] {}, [] { pause_for(1); }},
    {"the C library's end", [] { signal(SIGABRT, SIG_IGN); },
     [] { __stack_chk_fail(); }},
    {"serve", prepare_server, do_serve}, // last: its grace period is a second
};

TEST_CASE("an abort is reported as SIGABRT") {
    CHECK(status_inside([]() -> int {
              signal(SIGABRT, SIG_DFL); // not doctest's handler
              abort();
          }) == 128 + SIGABRT);
}

// Builds the filter without loading it.
static std::set<int> kept_here() {
    failing = Failing::load;
    CHECK(sandbox_enter() == -1);
    failing = Failing::none;
    return ruled;
}

// Whether DEED, or its child, is killed for a call that is not allowed.
static bool breaks(const Deed &deed) {
    Run run = run_in_child([&deed] {
        deed.prepare();
        if (sandbox_enter() == -1)
            _exit(99);
        deed.does();
        _exit(0);
    });
    REQUIRE(run.status != 98);
    REQUIRE(run.status != 99);
    return run.status == killed || count_of("signal 31", run.errors) > 0;
}

// Whether a stopped call continues.
static bool goes_on_after_a_stop() {
    Process process([] {
        if (sandbox_enter() == -1)
            _exit(99);
        log_line("inside");
        pause_for(1000000);
    });
    REQUIRE(process.output_has("inside\n"));
    for (auto [signo, state] :
         {std::pair(0, "S"), {SIGSTOP, "T"}, {SIGCONT, "S"}}) {
        process.signal(signo);
        (void)eventually([&, state = state] {
            return process.has_ended() || process_state(process.pid()) == state;
        });
    }
    return !process.has_ended();
}

TEST_CASE("every allowed call is needed" * doctest::skip(!sandboxed)) {
    // By musl, an old C library, another libseccomp, or without a vDSO.
    std::set<int> elsewhere = {SCMP_SYS(set_tid_address), SCMP_SYS(nanosleep),
                               SCMP_SYS(clock_gettime), SCMP_SYS(brk),
                               SCMP_SYS(fork)};
#ifdef __i386__ // has two of each of these; the C library uses the other
    elsewhere.insert({SCMP_SYS(waitpid), SCMP_SYS(fcntl),
                      SCMP_SYS(rt_sigreturn), SCMP_SYS(ppoll_time64),
                      SCMP_SYS(clock_gettime64),
                      SCMP_SYS(clock_nanosleep_time64)});
#endif
    for (const Deed &deed : deeds)
        CHECK_FALSE_MESSAGE(breaks(deed), std::string(deed.what));
    for (int call : kept_here()) {
        left_out = call;
        bool needed =
            call == SCMP_SYS(restart_syscall) && !goes_on_after_a_stop();
        for (const Deed &deed : deeds)
            needed = needed || breaks(deed);
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);
        CHECK_MESSAGE(needed != elsewhere.contains(call), std::string(name));
        free(name);
    }
    left_out = -1;
    CHECK(goes_on_after_a_stop());
}

#endif

TEST_SUITE_END();
