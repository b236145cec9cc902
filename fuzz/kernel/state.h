// SPDX-License-Identifier: MIT
// state - what the modelled kernel knows, and what its parts note in it and ask
// of it: progress, failures to come, what has run out, the drain.
#pragma once

#include <setjmp.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/signals.h"
#include "input.h"
#include "server/serve.h"

// Descriptors that the process itself does not have.
constexpr int listener_fd = 1000;
constexpr int first_client_fd = 1001; // of client 0

constexpr int most_clients = 64;  // of a run; more do not come
constexpr int most_waiting = 8;   // in the backlog
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

// That CHILD, of one of the server's clients, is not reaped yet.
inline bool is_own(const struct modelled_child &child) {
    return child.state != gone && child.client != nobody;
}

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

// Something has come forward: the server does not spin.
void note_progress(void);

// Whether a call with this FAILURE to come fails now, errno set.
bool fails(struct coming_failure *failure);

// What a client needs has run out, or is there again.
void note_shortage(void);
void note_plenty(void);

// What has run out is not asked for again at the same moment, unless a child
// has given something back.
bool may_try_again(void);

// From now on the server is to drain.
void begin_drain(void);

// By now the server has seen that it is.
void heed_drain(void);

// The drain's time to accept had passed when the server woke last.
bool is_late(void);

// The drain's grace may be over, or a second signal may have ended it.
bool may_end_clients(void);
