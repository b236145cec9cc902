// SPDX-License-Identifier: MIT
// history - the lives of the processes in a record: who made whom, who waited
// for what, who reaped whom, which signals came, who held which socket. Its
// views are into the record.
#pragma once

#include "lifelines/record.h"

constexpr size_t nobody = static_cast<size_t>(-1);
constexpr int64_t never = INT64_MAX;

// From FROM on, up to TO; `never` where the record ends first.
struct Wait {
    std::string_view call;
    int64_t from, to;
};

struct Hold {
    size_t socket;
    int fd;
    bool close_on_exec;
    int64_t from, to;
};

struct Socket {
    enum { unused, listener, accepted, connected } role = unused;
    long port = 0; // its own of a listener, else the peer's
};

enum class MomentKind {
    starts,   // the first process, or one whose parent is not in the record
    forks,    // `other` is the child
    executes, // `text` is the program
    reads,    // from descriptor 0 or `socket`; `text` is the string as strace
              // has written it, "" at the end of file
    writes,   // the same, to descriptor 1 or 2, or `socket`
    shuts,    // its direction of `socket`
    alarm,    // is asked for, in `number` seconds
    sends,    // `text` is the signal, `other` whom it is for, if in the record
    signal,   // is delivered; `text` is its name, `other` the sender, and
              // `number` the sender's ID, where a process has sent it
    opens,    // `socket`
    closes,   // `socket`
    ends,     // as its life tells
    adopted,  // its parent has ended; `other` is the next one
    asks,     // by WNOHANG, and no child has ended
    reaps,    // `other` is the child
    vanishes, // a zombie that nobody in the record reaps
};

struct Moment {
    MomentKind kind;
    int64_t time;
    size_t process;
    size_t other = nobody;
    std::string_view text = {};
    long number = 0;
    size_t socket = nobody;
    // Of a signal: when it was sent, and when its handler had run; -1 where it
    // is not known, or there was none.
    int64_t sent = -1, handled = -1;
};

struct Life {
    pid_t pid;
    std::string_view name;  // of the program, as execve(2) had it
    size_t parent = nobody; // which must reap it
    int64_t born, ended = never, gone = never; // gone: no zombie any more
    long status = 0;                           // where it ended by itself
    std::string_view killed = {};              // the signal, where not
    size_t reaper = nobody;
    int threads = 0;    // beside the first
    int unfollowed = 0; // sockets
    std::vector<Wait> waits = {};
    std::vector<Hold> holds = {};
};

struct History {
    std::vector<Life> lives; // by birth
    std::vector<Socket> sockets;
    std::vector<Moment> moments; // by time
    int64_t begin = 0, end = 0;
};

// At most this many reads, and writes to sockets, of a process are told.
constexpr int most_told = 20;
// At most this many sockets of a process are followed at a time; the others are
// counted.
constexpr size_t most_held = 64;
// Waits below this many microseconds are no waits.
constexpr int64_t shortest_wait = 200;

History history_of(const Record &record);
