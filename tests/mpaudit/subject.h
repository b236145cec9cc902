// SPDX-License-Identifier: MIT
// subject - the server under audit: its processes, its clients, what it holds.
// Only processes that this one has started, and what they have started, are
// looked at or signalled; all of them end with the Subject.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/proc.h"
#include "support/process.h"
#include "support/tcp_table.h"

struct Settings {
    std::vector<std::string> words; // the server's command line, with {port}
    int family;                     // AF_INET, AF_INET6
    std::string send, expect;       // what a client sends, and must get
    bool echo;                      // it gets what it sends
    std::string pid_file;
};
extern Settings settings;

// Thrown where the server cannot be brought to serve; the text says why.
struct NotServing : std::runtime_error {
    explicit NotServing(const std::string &why, bool on = false)
        : runtime_error(why), lives_on(on) {
    }
    bool lives_on; // it neither listens nor ends
};
// Thrown once the user has interrupted.
struct Interrupted {};
extern volatile sig_atomic_t interrupted;

// Not hoping for anything: TIME is what is looked at.
void pass(int milliseconds);

// ---- processes --------------------------------------------------------------

// Every process that this one has started, directly or not, zombies too; those
// that have come to this process as orphans, and have ended, are reaped first.
using Family = std::map<pid_t, Stat>;
Family family();
// "17 (cat, state Z, parent 16)"
std::string text_of(const Stat &member);
// The zombies of FAMILY that a process of the server has to reap.
std::vector<Stat> zombies_of(const Family &family);
// Whether PID is one of the family, and has not ended.
bool lives(pid_t pid);
// Of the family only: returns false where PID is not of it.
bool send_signal(pid_t pid, int signo);
// Stops PID, and waits until it has.
bool stop(pid_t pid);

// ---- one client -------------------------------------------------------------

enum class End { enough, end_of_file, reset, silence };
struct Received {
    std::string bytes;
    End end;
};
const char *name_of(End end);
// Sends BYTES and receives at the same time, until ENOUGH holds of what came,
// the end of the connection, or SECONDS in which nothing moved. FINISH: sends
// the end after BYTES, and receives to the end.
Received converse(const Fd &fd, std::string_view bytes, bool finish,
                  const std::function<bool(const std::string &)> &enough,
                  double seconds);
Received echo_of(const Fd &fd, std::string_view bytes, bool finish = false);

// ---- the server -------------------------------------------------------------

class Subject {
  public:
    // Starts it on a free port, or on PORT, and waits until it listens and is
    // at rest.
    explicit Subject(const StartOptions &options = {}, int at_port = 0);
    ~Subject();
    Subject(const Subject &) = delete;

    // A connection, perhaps one that nobody has accepted; -1 if it is refused.
    Fd connect() const;
    // Whether CLIENT gets what a client should; if not, why is in *why.
    bool serves(const Fd &client, double seconds, std::string *why) const;
    // A new one that has been served; throws NotServing.
    Fd client() const;
    // As many of COUNT, one after the other, as it serves at the same time.
    std::vector<Fd> crowd(int count) const;

    // The link target of the server's end of CLIENT's connection; "" if nobody
    // has accepted it.
    std::string target_of(const Fd &client) const;
    // Who holds TARGET.
    std::set<pid_t> holders_of(const std::string &target) const;
    // The process that serves CLIENT and is there for it alone; -1 if none is.
    pid_t child_of(const Fd &client) const;
    // The process of those at rest that CHILD comes from.
    pid_t parent_of(pid_t child) const;
    // Waits until no process is left but those at rest, no zombie, and all
    // sleep.
    bool becomes_quiet() const;
    // Whether a new client could come to a listener of its port.
    bool is_listening() const;

    std::string errors() const; // the end of what it has written
    std::string state() const;  // of main and acceptor, for evidence

    int port;
    std::set<pid_t> rest;            // its processes without clients
    std::set<std::string> listeners; // link targets
    pid_t main;                      // which signals are for
    std::vector<pid_t> acceptors;    // those of rest that hold the listener
    Process *process;

  private:
    bool find_listeners();
    void start(const StartOptions &options);
    void await_listener();
    void stop_all();

    Fd log_;
    std::unique_ptr<Process> owned_;
};

// The server's end of what is connected to PORT, and its listeners.
std::vector<TcpSocket> sockets_at(int port);

// What crowd() has found out about how many the server serves at once; -1 if
// it is more than was ever asked for.
extern int most_at_once;
