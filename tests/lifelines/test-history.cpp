// SPDX-License-Identifier: MIT
// The lives that a record tells of.
#include "lifelines/told.h"

TEST_CASE("a child is forked, ends, is a zombie, and is reaped") {
    Told told("7 execve(\"./zombie\", [\"./zombie\", \"1\"], 0x7f) = 0\n"
              "7 clone(child_stack=NULL, flags=SIGCHLD) = 8\n"
              "8 exit_group(3) = ?\n"
              "8 +++ exited with 3 +++\n"
              "7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, "
              "si_pid=8} ---\n"
              "7 close(9) = 0\n"
              "7 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) "
              "= 8\n"
              "7 +++ exited with 0 +++\n");
    REQUIRE(told.history.lives.size() == 2);
    CHECK(told.process(0).name == "zombie");
    CHECK(told.process(1).name == "zombie");
    CHECK(told.process(1).parent == 0);
    CHECK(told.process(1).born == told.at(1));
    CHECK(told.process(1).ended == told.at(3));
    CHECK(told.process(1).status == 3);
    CHECK(told.process(1).gone == told.at(6));
    CHECK(told.process(1).reaper == 0);
    const Moment &signal = told.first(MomentKind::signal);
    CHECK(signal.other == 1);
    CHECK(signal.sent == told.at(3));
    CHECK(signal.handled == -1);
}

TEST_CASE("a child may be seen before its fork has returned") {
    for (std::string fork : {"clone", "vfork", "clone3"}) {
        CAPTURE(fork);
        Told told("7 " + fork +
                  "( <unfinished ...>\n"
                  "8 close(3) = 0\n"
                  "7 <... " +
                  fork + " resumed>) = 8\n");
        REQUIRE(told.history.lives.size() == 2);
        CHECK(told.process(1).parent == 0);
        CHECK(told.process(1).born == told.at(1));
        CHECK(told.count(MomentKind::forks) == 1);
    }
}

TEST_CASE("a child may have ended before its fork has returned") {
    Told told("7 fork( <unfinished ...>\n"
              "8 +++ exited with 3 +++\n"
              "7 <... fork resumed>) = 8\n"
              "7 wait4(-1, NULL, 0, NULL) = 8\n");
    REQUIRE(told.history.lives.size() == 2);
    CHECK(told.process(1).status == 3);
    CHECK(told.process(1).gone == told.at(3));
    CHECK(told.count(MomentKind::forks) == 1);
}

TEST_CASE("a failed fork makes nobody") {
    Told told("7 clone(flags=SIGCHLD) = -1 EAGAIN (Resource temporarily "
              "unavailable)\n"
              "7 clone(flags=SIGCHLD) = ? ERESTARTNOINTR (To be restarted)\n");
    CHECK(told.history.lives.size() == 1);
}

TEST_CASE("a thread is no process of its own") {
    Told told("7 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 8\n"
              "8 write(1, \"x\", 1) = 1\n"
              "8 +++ exited with 0 +++\n"
              "7 +++ exited with 5 +++\n");
    REQUIRE(told.history.lives.size() == 1);
    CHECK(told.process(0).threads == 1);
    CHECK(told.process(0).status == 5);
    CHECK(told.first(MomentKind::writes).process == 0);
}

TEST_CASE("an ID that is used again is another process") {
    Told told("7 fork() = 8\n"
              "8 +++ killed by SIGKILL +++\n"
              "7 wait4(8, NULL, 0, NULL) = 8\n"
              "7 fork( <unfinished ...>\n"
              "8 close(3) = 0\n"
              "7 <... fork resumed>) = 8\n"
              "8 +++ exited with 4 +++\n");
    REQUIRE(told.history.lives.size() == 3);
    CHECK(told.process(1).killed == "SIGKILL");
    CHECK(told.process(1).gone == told.at(2));
    CHECK(told.process(2).status == 4);
    CHECK(told.process(2).gone == never);
}

TEST_CASE("who looks, or asks for a stop, does not reap") {
    Told told("7 fork() = 8\n"
              "7 wait4(-1, 0x7f, WNOHANG, NULL) = 0\n"
              "7 wait4(-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}], "
              "WUNTRACED, NULL) = 8\n"
              "8 +++ exited with 0 +++\n"
              "7 waitid(P_PID, 8, {si_code=CLD_EXITED, si_pid=8, "
              "si_status=0}, WEXITED|WNOWAIT, NULL) = 0\n");
    CHECK(told.process(1).gone == never);
    CHECK(told.count(MomentKind::asks) == 1);
    CHECK(told.count(MomentKind::reaps) == 0);
}

TEST_CASE("waitid reaps, too") {
    Told told("7 fork() = 8\n"
              "8 +++ exited with 0 +++\n"
              "7 waitid(P_ALL, 0, {si_code=CLD_EXITED, si_pid=8, "
              "si_status=0}, WEXITED, NULL) = 0\n");
    CHECK(told.process(1).gone == told.at(2));
}

TEST_CASE("nobody is a zombie whose parent ignores SIGCHLD") {
    for (std::string how : {"{sa_handler=SIG_IGN, sa_flags=0}",
                            "{sa_handler=0x1, sa_flags=SA_NOCLDWAIT}"}) {
        Told told("7 rt_sigaction(SIGCHLD, " + how +
                  ", NULL, 8) = 0\n"
                  "7 fork() = 8\n"
                  "8 +++ exited with 0 +++\n");
        CHECK(told.process(1).gone == told.at(2));
        CHECK(told.process(1).reaper == nobody);
    }
}

TEST_CASE("an orphan goes to the next subreaper, or out of the record") {
    std::string lines = "7 fork() = 8\n"
                        "8 fork() = 9\n"
                        "9 +++ exited with 1 +++\n"
                        "8 +++ exited with 2 +++\n";
    Told out(lines);
    CHECK(out.process(2).gone == out.at(3));
    CHECK(out.count(MomentKind::vanishes) == 1);
    Told told("7 prctl(PR_SET_CHILD_SUBREAPER, 1) = 0\n" + lines +
              "7 wait4(-1, NULL, 0, NULL) = 9\n");
    CHECK(told.process(2).parent == 0);
    CHECK(told.process(2).gone == told.at(5));
    CHECK(told.first(MomentKind::adopted).other == 0);
}

TEST_CASE("a signal has a sender and a handler") {
    Told told("7 fork() = 8\n"
              "7 kill(8, SIGTERM) = 0\n"
              "8 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=7} "
              "---\n"
              "8 rt_sigreturn({mask=[]}) = 0\n"
              "7 alarm(2) = 0\n"
              "7 --- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---\n");
    const Moment &signal = told.first(MomentKind::signal);
    CHECK(signal.process == 1);
    CHECK(signal.other == 0);
    CHECK(signal.sent == told.at(1));
    CHECK(signal.handled == told.at(3));
    CHECK(told.first(MomentKind::sends).other == 1);
    CHECK(told.history.moments.back().sent == told.at(4));
}

TEST_CASE("a signal may come before kill returns, or after its sender's end") {
    Told told("7 fork() = 8\n"
              "8 kill(7, SIGUSR1 <unfinished ...>\n"
              "7 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=8} "
              "---\n"
              "8 <... kill resumed>) = 0\n"
              "8 kill(7, SIGUSR2) = 0\n"
              "8 +++ exited with 0 +++\n"
              "7 --- SIGUSR2 {si_signo=SIGUSR2, si_code=SI_USER, si_pid=8} "
              "---\n"
              "7 --- SIGUSR2 {si_signo=SIGUSR2, si_code=SI_USER, si_pid=99} "
              "---\n");
    std::vector<Moment> signals;
    for (const Moment &moment : told.history.moments)
        if (moment.kind == MomentKind::signal)
            signals.push_back(moment);
    REQUIRE(signals.size() == 3);
    CHECK(signals[0].sent == told.at(1));
    CHECK(signals[1].sent == told.at(4));
    CHECK(signals[1].other == 1);
    CHECK(signals[2].sent == -1);
    CHECK(signals[2].other == nobody);
}

TEST_CASE("the handler that began last returns first") {
    Told told("7 --- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---\n"
              "7 --- SIGINT {si_signo=SIGINT, si_code=SI_KERNEL} ---\n"
              "7 rt_sigreturn({mask=[ALRM]}) = 0\n"
              "7 rt_sigreturn({mask=[]}) = 0\n"
              "7 rt_sigreturn({mask=[]}) = 0\n");
    CHECK(told.first(MomentKind::signal).handled == told.at(3));
    CHECK(told.history.moments.back().handled == told.at(2));
}

TEST_CASE("a signal without a handler has not the handler of another") {
    Told told("7 execve(\"p\", [\"p\"], 0x7f) = 0\n"
              "7 rt_sigaction(SIGCHLD, {sa_handler=0x1}, NULL, 8) = 0\n"
              "7 --- SIGCHLD {si_signo=SIGCHLD, si_code=SI_USER, si_pid=9} "
              "---\n"
              "7 --- SIGCONT {si_signo=SIGCONT, si_code=SI_USER, si_pid=9} "
              "---\n"
              "7 rt_sigreturn({mask=[]}) = 0\n");
    CHECK(told.first(MomentKind::signal).handled == told.at(4));
    CHECK(told.history.moments.back().handled == -1);
}

TEST_CASE("a wait goes from its call to its return") {
    Told told("7 clock_nanosleep(CLOCK_REALTIME, 0,  <unfinished ...>\n"
              "8 close(3) = 0\n"
              "7 <... clock_nanosleep resumed>0x7f) = ? ERESTART_RESTARTBLOCK "
              "(Interrupted by signal)\n"
              "7 restart_syscall(<... resuming interrupted clock_nanosleep "
              "...> <unfinished ...>\n"
              "8 close(3) = 0\n"
              "7 <... restart_syscall resumed>) = 0\n"
              "7 wait4(-1,  <unfinished ...>\n"
              "8 close(3) = 0\n");
    const std::vector<Wait> &waits = told.process(0).waits;
    REQUIRE(waits.size() == 3);
    CHECK(waits[0].call == "sleep");
    CHECK(waits[0].from == told.at(0));
    CHECK(waits[0].to == told.at(2));
    CHECK(waits[1].call == "sleep");
    CHECK(waits[2].call == "wait");
    CHECK(waits[2].to == never);
}

TEST_CASE("a stopped process waits until it gets SIGCONT") {
    Told told("7 --- SIGSTOP {si_signo=SIGSTOP, si_code=SI_USER, si_pid=9} "
              "---\n"
              "7 --- stopped by SIGSTOP ---\n"
              "7 --- SIGCONT {si_signo=SIGCONT, si_code=SI_USER, si_pid=9} "
              "---\n");
    REQUIRE(told.process(0).waits.size() == 1);
    CHECK(told.process(0).waits[0].call == "stopped");
    CHECK(told.process(0).waits[0].to == told.at(2));
}

TEST_CASE("what is read and written, and by which descriptors") {
    Told told("7 read(0, \"keys\", 9) = 4\n"
              "7 read(3, \"a file\", 9) = 6\n"
              "7 write(2, \"words\", 5) = 5\n"
              "7 write(1, \"\", 0) = -1 EPIPE (Broken pipe)\n"
              "7 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0\n"
              "7 accept(5, NULL, NULL) = 6\n"
              "7 recvfrom(6, \"\", 9, 0, NULL, NULL) = 0\n"
              "7 shutdown(6, SHUT_WR) = 0\n");
    CHECK(told.count(MomentKind::reads) == 2);
    CHECK(told.first(MomentKind::reads).text == "\"keys\"");
    CHECK(told.first(MomentKind::reads).socket == nobody);
    CHECK(told.count(MomentKind::writes) == 1);
    CHECK(told.count(MomentKind::shuts) == 1);
    const Moment &end = told.history.moments[told.history.moments.size() - 2];
    CHECK(end.kind == MomentKind::reads);
    CHECK(end.text.empty());
    CHECK(end.socket == 1);
}

TEST_CASE("a process that reads for ever is told of for a while") {
    std::string lines;
    for (int i = 0; i < 100; i++)
        lines += "7 read(0, \"x\", 1) = 1\n";
    CHECK(Told(lines).count(MomentKind::reads) == most_told);
}

// ---- sockets ----------------------------------------------------------------

static const std::string served =
    "7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n"
    "7 bind(3, {sa_family=AF_INET, sin_port=htons(7777), "
    "sin_addr=inet_addr(\"0.0.0.0\")}, 16) = 0\n"
    "7 listen(3, 5) = 0\n"
    "7 accept4(3, {sa_family=AF_INET, sin_port=htons(40312), "
    "sin_addr=inet_addr(\"127.0.0.1\")}, [16], SOCK_CLOEXEC) = 4\n"
    "7 fork() = 8\n";

TEST_CASE("a fork copies the descriptors, and each closes its own") {
    Told told(served + "7 close(4) = 0\n"
                       "8 close_range(0, 3, 0) = 0\n"
                       "8 +++ exited with 0 +++\n");
    REQUIRE(told.history.sockets.size() == 2);
    CHECK(told.history.sockets[0].role == Socket::listener);
    CHECK(told.history.sockets[0].port == 7777);
    CHECK(told.history.sockets[1].role == Socket::accepted);
    CHECK(told.history.sockets[1].port == 40312);
    const std::vector<Hold> &parent = told.process(0).holds;
    const std::vector<Hold> &child = told.process(1).holds;
    REQUIRE(parent.size() == 2);
    REQUIRE(child.size() == 2);
    CHECK(parent[0].to == never);
    CHECK(parent[1].to == told.at(5));
    CHECK(child[0].from == told.at(4));
    CHECK(child[0].to == told.at(6));
    CHECK(child[1].to == told.at(7));
    CHECK(told.count(MomentKind::closes) == 2);
}

TEST_CASE("execve closes what is marked, dup2 what was there") {
    Told told(served + "8 fcntl(4, F_SETFD, 0) = 0\n"
                       "8 dup2(4, 5) = 5\n"
                       "8 dup2(0, 5) = 5\n"
                       "8 execve(\"/bin/cat\", [\"cat\"], 0x7f) = 0\n");
    const std::vector<Hold> &child = told.process(1).holds;
    REQUIRE(child.size() == 3);
    CHECK(child[0].to == told.at(8));
    CHECK(child[1].to == never);
    CHECK(child[2].socket == 1);
    CHECK(child[2].to == told.at(7));
    CHECK(told.process(1).name == "cat");
}

TEST_CASE("an inherited listener is known by its first use") {
    Told told("7 accept4(3, NULL, NULL, SOCK_CLOEXEC) = 4\n");
    REQUIRE(told.history.sockets.size() == 2);
    CHECK(told.history.sockets[0].role == Socket::listener);
}

TEST_CASE("a record of nothing tells nothing") {
    Record record;
    CHECK(history_of(record).lives.empty());
}
