// SPDX-License-Identifier: MIT
// subject - the server under audit: its processes, its clients, what it holds.
// Only processes that this one has started, and what they have started, are
// looked at or signalled; all of them end with the Subject.
#pragma once

#include <csignal>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mpaudit/report.h"
#include "support/proc.h"
#include "support/process.h"
#include "support/tcp_table.h"
#include "support/waiting.h"

struct Settings {
    std::vector<std::string> words; // the server's command line, with {port}
    int family;                     // AF_INET, AF_INET6
    std::string send, expect;       // what a client sends, and must get
    bool echo;                      // it gets what it sends instead
    std::string pid_file;
};
extern Settings settings;

// Thrown where the server cannot be brought to serve; the text says why.
struct NotServing : std::runtime_error {
    using runtime_error::runtime_error;
};
struct NeverListens : NotServing { // nor does it end
    using NotServing::NotServing;
};
// Thrown once the user has interrupted.
struct Interrupted {};
extern volatile sig_atomic_t interrupted;

// Where the time itself is observed; otherwise use eventually().
void pass(int milliseconds);

// ---- processes --------------------------------------------------------------

// Every process that this one has started, directly or not, zombies too; those
// that have come to this process as orphans, and have ended, are reaped first.
using Family = std::map<pid_t, Stat>;
Family family();
// "17 (cat, state Z, parent 16)"
std::string text_of(const Stat &member);
std::string text_of(const Family &members); // of the first few
// Those that a process of the server has to reap.
Family zombies();
// Whether PID is one of the family, and has not ended.
bool lives(pid_t pid);
// Of the family only: returns false where PID is not of it.
bool send_signal(pid_t pid, int signo);
// Stops PID, and waits until it has.
bool stop(pid_t pid);

// ---- one client -------------------------------------------------------------

enum End { enough, end_of_file, reset, silence, flood };
constexpr const char *end_names[] = {"none", "end of file", "reset", "silence",
                                     "ever more data"};

struct Received {
    std::string bytes;
    End end;
};
constexpr size_t to_the_end = SIZE_MAX;
constexpr size_t most_to_fill = 64 << 20; // no socket buffers that much
// Sends BYTES and receives at the same time, until WANTED bytes have come, TEXT
// among them, or the end of the connection, or for SECONDS nothing, or more
// than any client has sent. To get to the end, it half-closes after BYTES.
Received converse(const Fd &fd, std::string_view bytes, size_t wanted,
                  double seconds = deadline_seconds,
                  const std::string &text = "");

// ---- the server -------------------------------------------------------------

class Subject {
  public:
    // Starts it on a free port, or on PORT, and waits until it listens and is
    // at rest. What is found goes to FOUND.
    explicit Subject(Result &found, const StartOptions &options = {},
                     int at_port = 0);
    // With its state, and the end of what it has written, as more evidence.
    void fault(const std::string &message, Evidence evidence = {}) const;

    // A connection, perhaps one that nobody has accepted; -1 if it is refused.
    Fd connect() const;
    // Whether CLIENT gets what a client should; if not, why is in *WHY.
    bool serves(const Fd &client, std::string *why = nullptr,
                double seconds = deadline_seconds) const;
    // A new one that has been served; throws NotServing.
    Fd client() const;
    // As many of COUNT, but at least one, as it serves at the same time.
    std::vector<Fd> crowd(int count) const;

    // The link target of the server's end of CLIENT's connection; "" if nobody
    // has accepted it.
    std::string target_of(const Fd &client) const;
    // Who holds TARGET.
    Family holders_of(const std::string &target) const;
    // The process that serves CLIENT and is there for it alone; -1 if none is.
    pid_t child_of(const Fd &client) const;
    // The process of those at rest that CHILD comes from.
    pid_t parent_of(pid_t child) const;
    // Waits until no process is left but those at rest, no zombie, and all
    // sleep.
    bool becomes_quiet() const;
    // Whether a new client could come to a listener of its port.
    bool is_listening() const;

    Result &result;
    int port;
    std::set<pid_t> rest;            // its processes without clients
    std::set<std::string> listeners; // link targets
    std::set<pid_t> acceptors;       // those of rest that hold one
    pid_t main = -1;                 // which signals are for
    std::unique_ptr<Process> process;

  private:
    void await_listener();
    void await_rest();
    void find_main();
    std::string state() const;
    std::string errors() const;

    Fd log_;
    struct Killer { // of the whole family, even of one that has not started
        ~Killer();
    } killer_;
};

// The server's end of what is connected to PORT, and its listeners.
std::vector<TcpSocket> sockets_at(int port);
