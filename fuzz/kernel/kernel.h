// SPDX-License-Identifier: MIT
// kernel - what a forking server sees of its kernel, modelled: descriptors,
// clients in the backlog, children, signals and the time. What happens, and
// which calls fail, the input says. Each call asks, before it answers, whether
// a server that keeps to serve.h and to the manual pages may make it now; each
// line that it prints is asked as well.
#pragma once

#include <setjmp.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/signals.h"
#include "input.h"
#include "kernel/calls.h"
#include "server/serve.h"

// Descriptors that the process itself does not have.
constexpr int listener_fd = 1000;
constexpr int first_client_fd = 1001; // of client 0

constexpr int most_clients = 64;  // of a run; more do not come
constexpr int most_waiting = 8;   // in the backlog
constexpr int most_strangers = 4; // at once
constexpr int most_children = 12; // at once, strangers among them
constexpr int signal_count = 32;
constexpr int most_calls_without_progress = 300;
// From the beginning of a drain until another signal ends its grace.
constexpr int64_t ms_until_stopped_again = 1000;
constexpr int64_t ms_to_accept = 1000; // from there as well: the backlog
constexpr int nobody = -1;             // in place of a client's number

enum child_state { gone, running, ended };

struct modelled_child {
    enum child_state state;
    pid_t pid;
    int client;   // that it serves; nobody: a stranger, by exec(3) or adoption
    bool lingers; // once it is killed
    int64_t killed_at; // by the server, last; 0: not yet
    bool heard_of;     // its end: SIGCHLD was handled since
    int status;        // for waitpid(2)
};

struct modelled_mapping {
    unsigned char *bytes; // null: none
    size_t size;
    bool kept; // from children, or madvise(2) has failed
};

// The next COUNT uses of a call fail with ERROR.
struct coming_failure {
    int count;
    int error;
};

struct kernel {
    struct fuzz_input *input;
    struct serve_settings settings;
    int limit;
    bool busy; // things happen in every call, not in waits alone
    struct modelled_mapping mapping;
    bool mmap_fails, madvise_fails, close_range_fails;
    int sigactions_to_failure; // which fails; 0 for none
    bool sigaction_failed;
    int64_t clock;   // milliseconds
    int64_t woke_at; // from the last wait

    signal_handler *handlers[signal_count];
    unsigned handled;          // by a function; of these five, bit SIGNO
    unsigned blocked, pending; // outside the waits handled ones are blocked
    unsigned ignored;          // from the start

    bool draining; // a stop has come, or the listener is no use any more
    bool heeded;   // and the server has had its turn to see it
    int64_t drain_earliest, drain_latest; // when its grace may have begun
    bool found_none;                      // by accept(2) since
    int64_t stopped_again_at;             // since the last wait; else 0
    int64_t killed_at;                    // last; 0: nobody was killed

    bool listener_open;
    int backlog[most_waiting]; // the clients' numbers
    int waiting;               // of them
    int clients;               // so many have come
    int address_of[most_clients];
    bool client_open[most_clients];
    int clients_open;
    bool client_told;  // by ppoll(2) at its last use
    int accepted;      // that client waits for a child; or nobody
    bool one_too_many; // from its address, unless some of those have ended
    bool judged_anew;  // they have been reaped since it was accepted
    bool fork_failed;  // for it
    int handed_over; // that client has a child: its descriptor is to be closed

    struct modelled_child children[most_children];
    int own, strangers; // not reaped yet
    int ended;          // of these
    bool filled;        // the last place was taken, with no reaping since
    pid_t last_pid;
    int pid_step;
    bool in_child; // fork(2) has given 0: this is the child's view from there
    int closed_below;                 // that number, by the child
    bool options_set, options_failed; // by it

    struct coming_failure accept_failure, fork_failure, ppoll_failure,
        waitpid_failure, close_failure;
    bool next_fork_is_child;
    bool hopeless;       // accept(2) has said so
    bool waitpid_failed; // at its last use
    int64_t ran_out_at;  // what a client needs: no other try at the same time
    bool ran_out;        // and no child has been reaped since
    bool may_pause;      // before it listens again
    int connection_failures;  // of accept(2), in a row
    bool wait_failed;         // ppoll(2) at its last use, by itself
    int64_t out_of_memory_at; // as it has said

    int served, refused, fork_failures;
    int calls_without_progress;
    bool let_in;           // all signals, by the last wait
    int64_t let_in_at;     // when the server may have known that they were
    bool signals_left_out; // by the last wait, a client being there
    int last_wakes;        // since the input was used up
    jmp_buf leave;         // from the child's _exit(2)
};

extern struct kernel kernel;

// The calls as kernel.cpp answers them; for answer_by().
extern const struct modelled_calls kernel_calls;

// Makes the kernel anew, with the settings of a run, as INPUT says.
void boot(struct fuzz_input *input);

// To be called when serve() has returned RESULT: is all as it should be?
void check_end(int result);

// ---- for the parts of the model ---------------------------------------------

// In what a server does before it asks the kernel, the world goes on.
void enter(void);

// Whether a call with this FAILURE to come fails now, errno set.
bool fails(struct coming_failure *failure);

// What has run out is not asked for again at the same moment, unless a child
// has given something back.
bool may_try_again(void);

// From now on the server is to drain.
void begin_drain(void);

// By now the server has seen that it is.
void heed_drain(void);

// Something has come forward: the server does not spin.
void note_progress(void);

// That CHILD, of one of the server's clients, is not reaped yet.
inline bool is_own(const struct modelled_child &child) {
    return child.state != gone && child.client != nobody;
}

// The drain's time to accept had passed when the server woke last.
bool is_late(void);

// The drain's grace may be over, or a second signal may have ended it.
bool may_end_clients(void);

// What a client needs has run out, or is there again.
void note_shortage(void);
void note_plenty(void);

// ---- children (kernel_children.cpp) -----------------------------------------

pid_t modelled_fork(void);
pid_t modelled_waitpid(pid_t pid, int *status, int options);
int modelled_kill(pid_t pid, int signo);

// The children that serve clients from ADDRESS, and of which the server cannot
// know that they have ended.
int children_at(int address);

// A child starts, CLIENT's or nobody's; returns its slot, null if none is
// left.
struct modelled_child *start_child(int client);

// CHILD ends with wait status STATUS.
void end_child(struct modelled_child *child, int status);

// ---- memory (kernel_memory.cpp) ---------------------------------------------

void *modelled_mmap(void *address, size_t size, int protection, int flags,
                    int fd, off_t offset);
int modelled_madvise(void *address, size_t size, int advice);
int modelled_munmap(void *address, size_t size);

// The server has given its memory back.
void check_memory(void);

// What is not to be in a child: takes it away, so that who looks at it meets
// nonsense; and nobody has written to it since.
void hide_memory(void);
void check_hidden_memory(void);

// ---- waiting (kernel_waits.cpp) ---------------------------------------------

int modelled_ppoll(struct pollfd *fds, nfds_t count,
                   const struct timespec *time, const sigset_t *mask);
int modelled_nanosleep(const struct timespec *time, struct timespec *left);

// ---- signals (kernel_signals.cpp) -------------------------------------------

int modelled_sigaction(int signo, const struct sigaction *action,
                       struct sigaction *before);
int modelled_sigprocmask(int how, const sigset_t *set, sigset_t *before);

// Blocked in children, and in the server where it does not wait.
constexpr unsigned meant_for_the_server = 1U << SIGCHLD | 1U << SIGTERM |
                                          1U << SIGINT | 1U << SIGHUP |
                                          1U << SIGQUIT | 1U << SIGUSR1;

// All signals are handled, blocked or ignored as serve_signals() has promised.
void check_dispositions(void);

inline unsigned signal_bit(int signo) {
    return 1U << signo;
}

// SIGNO comes. It is handled at once if it is not blocked.
void raise_signal(int signo);

// Has the pending signals that are not in BLOCKED handled; were there any?
bool deliver_signals(unsigned blocked);

// ---- the child's view (kernel_child.cpp) ------------------------------------

// From now on the calls are the child's, of the client that was accepted last.
void begin_child(void);

ssize_t child_read(int fd, void *buffer, size_t size);
ssize_t child_write(int fd, const void *buffer, size_t size);
int child_fcntl(int fd, int command);
int child_ioctl(int fd, unsigned long request, int *value);
void child_close(int fd);
int child_close_range(unsigned first, unsigned last, int flags);
int child_setsockopt(int fd, int level, int option, const void *value,
                     socklen_t size);

// Checks what it leaves behind, and leaves the run by kernel.leave.
void child_exit(int status);

// ---- what happens (kernel_events.cpp) ---------------------------------------

// What the next control byte says; nothing when the input is used up.
void happen(void);

// As happen(), to a server that sleeps until UNTIL, or for ever if that is
// INT64_MAX. When the input is used up, SIGTERM comes.
void happen_asleep(int64_t until);

// ---- what is printed (kernel_log.cpp) ---------------------------------------

// Makes the log new. A broken one drops lines and parts of lines.
void open_log(bool broken);

// What poll(2) and write(2) do on standard output and error, and the timer that
// keeps write(2) from blocking.
int log_poll(int fd);
void log_set_timer(const struct itimerval *value);
ssize_t log_write(int fd, const char *line, size_t size);

// From now on until check_log() that one line is due, unless the server is
// quiet. A refusal is due at most once a second.
void expect_client_line(int client, pid_t pid);
void expect_refusal_line(int client);
void expect_removal_line(pid_t pid, int status);
void expect_totals(void);

// The limit has been reached: the line about it is due, at most once a minute,
// also from a quiet server.
void expect_full_line(void);

// PID ended with STATUS as no child ends by itself: until check_crash_line() a
// line about it is due, at most once a second, also from a quiet server.
void expect_crash_line(pid_t pid, int status);
void check_crash_line(void);

// Whether a failure is to be complained of.
enum complaint {
    complaint_wrong,
    complaint_right,  // but not asked for
    complaint_due,    // unless there was another within a second
    complaint_at_once // always
};

// CALL has failed with ERROR: a line on standard error, until the next
// check_complaint(), can only be about that.
void note_failure(const char *call, int error, enum complaint complaint);
void check_complaint(void);

// Before a wait: no line is due any more, none was too early, and errors were
// told once a second at most.
void check_log(void);

// The last line was the totals, and as many were lost as the log says.
void check_log_end(void);
