// SPDX-License-Identifier: MIT
// state - the modelled kernel's state, shared by its parts: progress, planned
// failures, shortages, the drain.
#pragma once

#include <setjmp.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/signals.h"
#include "input.h"
#include "server/serve.h"

// Descriptors that are not open in this process.
constexpr int listener_fd = 1000;
constexpr int first_client_fd = 1001; // of client 0

constexpr int most_clients = 64;  // in a run; no more come
constexpr int most_waiting = 8;   // in the backlog
constexpr int most_children = 12; // at once, including strangers
constexpr int signal_count = 32;
constexpr int most_calls_without_progress = 300;
// From the start of a drain until another signal cuts its grace period short.
constexpr int64_t ms_until_stopped_again = 1000;
constexpr int64_t ms_to_accept = 1000; // the backlog, also from the start
constexpr int nobody = -1;             // in place of a client's number

enum child_state { gone, running, ended };

struct modelled_child {
    enum child_state state;
    pid_t pid;
    int client;        // the one it serves; nobody: a stranger
    bool lingers;      // when it is killed
    int64_t killed_at; // by the server, most recently; 0: never
    int status;        // for waitpid(2)
};

// Whether CHILD serves a client of the server's and has not been reaped.
inline bool is_own(const struct modelled_child &child) {
    return child.state != gone && child.client != nobody;
}

struct modelled_mapping {
    unsigned char *bytes; // null: none
    size_t size;
    bool kept; // excluded from fork, or madvise(2) has failed
};

// The next COUNT calls fail with ERROR.
struct coming_failure {
    int count;
    int error;
};

struct kernel {
    struct fuzz_input *input;
    struct serve_settings settings;
    int limit;
    bool busy; // things happen in every call, not only in waits
    struct modelled_mapping mapping;
    bool mmap_fails, madvise_fails, close_range_fails;
    int sigactions_to_failure; // the one that fails; 0: none
    bool sigaction_failed;
    int64_t clock;   // milliseconds
    int64_t woke_at; // from the last wait

    signal_handler *handlers[signal_count];
    // Bit SIGNO of each:
    unsigned handled;          // by a function
    unsigned blocked, pending; // handled ones are blocked outside the waits
    unsigned ignored;          // from the start

    bool draining; // it was stopped, or the listener became useless
    bool noticed;  // the server has had its turn to notice
    int64_t drain_earliest, drain_latest; // when its grace may have begun
    bool found_none;                      // by accept(2), since then
    int64_t stopped_again_at;             // since the last wait, or 0
    int64_t killed_at; // most recently; 0: nothing was killed

    bool listener_open;
    int clients; // that have come
    int waiting; // the last of them, in the backlog
    int address_of[most_clients];
    bool client_told; // ppoll(2) last reported one
    int accepted;     // the client waiting for a child, or nobody
    bool may_refuse;  // it: its host was full when children were last reaped
    bool fork_failed; // for that client
    int handed_over;  // the one that has got it: close its descriptor

    struct modelled_child children[most_children];
    int own, strangers; // not reaped yet
    int ended;          // of these
    bool filled;        // the last slot was taken, without a reaping since
    pid_t last_pid;
    int pid_step;
    int closed_below;                 // every number below, by the child
    bool options_set, options_failed; // by the child

    struct coming_failure accept_failure, fork_failure, ppoll_failure,
        waitpid_failure, close_failure;
    bool next_fork_is_child;
    bool hopeless;           // accept(2) has failed for good
    bool waitpid_failed;     // in its last call
    int64_t ran_out_at;      // at this time nothing may be tried again
    bool ran_out;            // and no child has been reaped since
    bool may_pause;          // before it listens again
    int connection_failures; // of accept(2), in a row
    bool wait_failed;        // ppoll(2) did, in its last call, without a signal
    int64_t out_of_memory_at; // when ppoll(2) reported it

    int served, refused, fork_failures;
    int calls_without_progress;
    bool let_in;           // by the last wait, all signals
    int64_t let_in_at;     // when the server may have learned that
    bool signals_left_out; // by the last wait, which returned a client
    int last_wakes;        // since the input was exhausted
    jmp_buf leave;         // by the child's _exit(2)
};

extern struct kernel kernel;

// Notes progress: the server does not spin.
inline void note_progress(void) {
    kernel.calls_without_progress = 0;
}

// Whether a call with this planned FAILURE fails now; if so, sets errno.
bool fails(struct coming_failure *failure);

// Note that what a client needs has run out, or is available again.
void note_shortage(void);
void note_plenty(void);

// What has run out must not be asked for again at the same time, unless a child
// has released something.
inline bool may_try_again(void) {
    return !kernel.ran_out || kernel.clock > kernel.ran_out_at;
}

// From now on the server must drain.
void begin_drain(void);

// By now the server has noticed the drain, since whose beginning time may have
// passed.
void notice_drain(void);

// Whether the drain's time to accept was over when the server last woke.
bool is_late(void);

// Whether the grace period is over, or may have been cut short.
bool may_end_clients(void);
