// SPDX-License-Identifier: MIT
// history - the lives of the processes in a record.
#include "lifelines/history.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

static bool one_of(std::string_view name,
                   std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

static bool is_fork(std::string_view call) {
    return one_of(call, {"fork", "vfork", "clone", "clone3"});
}

static bool is_kill(std::string_view call) {
    return one_of(call, {"kill", "tkill", "tgkill"});
}

// The name that a picture gives to a wait in CALL, without the kernel's own
// prefixes and suffixes; "" if CALL does not wait.
static std::string_view wait_in(std::string_view call) {
    for (std::string_view word :
         {"epoll", "ppoll", "poll", "select", "sleep", "pause", "sigsuspend",
          "sigtimedwait", "wait", "accept", "connect", "recv", "read", "send",
          "write", "futex", "flock"})
        if (contains(call, word))
            return word;
    return "";
}

// The state that is needed only while a process lives.
struct Living {
    std::string_view waiting = {}; // the call that it is in
    int64_t since = 0;
    bool reaps_unasked = false; // SIGCHLD is ignored, or SA_NOCLDWAIT set
    bool adopts = false;        // PR_SET_CHILD_SUBREAPER
    int64_t alarm = -1;
    int told = 0; // of what it has read, and written to sockets
    std::set<std::string_view> caught = {}; // signals that have a handler
    bool caught_known = false;              // after an execve(2)
    std::vector<size_t> handling = {};      // moments; the latest returns first
    std::vector<size_t> children = {};
    std::vector<size_t> holds = {}; // those of its holds that last
};

class Historian {
  public:
    explicit Historian(const Record &record) : record_(record) {
        for (size_t i = 0; i < record.events.size(); i++) {
            const RecordLine &event = record.events[i];
            if (event.kind == LineKind::returns && is_fork(event.name) &&
                event.value > 0)
                forks_.insert({{event.value, i}, event.pid});
        }
    }

    History tell() {
        if (!record_.events.empty()) {
            history_.begin = record_.events.front().time;
            history_.end = record_.events.back().time;
        }
        for (at_ = 0; at_ < record_.events.size(); at_++)
            tell(record_.events[at_]);
        for (size_t i = 0; i < history_.lives.size(); i++)
            if (history_.lives[i].ended == never)
                end_wait(i, never);
        return std::move(history_);
    }

  private:
    Moment &add(MomentKind kind, size_t process, size_t other = nobody,
                std::string_view text = {}, long number = 0) {
        return history_.moments.emplace_back(
            Moment{kind, now_, process, other, text, number});
    }

    Life &life(size_t i) {
        return history_.lives[i];
    }

    size_t start(pid_t pid, size_t parent) {
        size_t child = history_.lives.size();
        Life born = {pid, parent == nobody ? "" : life(parent).name, parent,
                     now_};
        Living living;
        if (parent != nobody) {
            living.reaps_unasked = living_[parent].reaps_unasked;
            living.caught = living_[parent].caught;
            living.caught_known = living_[parent].caught_known;
            living_[parent].children.push_back(child);
            for (size_t i : living_[parent].holds) {
                living.holds.push_back(born.holds.size());
                born.holds.push_back(life(parent).holds[i]);
                born.holds.back().from = now_;
            }
        }
        history_.lives.push_back(std::move(born));
        living_.push_back(std::move(living));
        threads_[pid] = latest_[pid] = child;
        if (parent == nobody)
            add(MomentKind::starts, child);
        else
            add(MomentKind::forks, parent, child);
        return child;
    }

    // The process that the thread PID belongs to. Where it is a new one, its
    // parent's fork returns later in the record.
    size_t find(pid_t pid) {
        auto known = threads_.find(pid);
        if (known != threads_.end())
            return known->second;
        auto fork = forks_.lower_bound({pid, at_});
        if (fork == forks_.end() || fork->first.first != pid)
            return start(pid, nobody);
        auto parent = threads_.find(fork->second);
        if (parent == threads_.end())
            return start(pid, nobody);
        const RecordLine &returned = record_.events[fork->first.second];
        forks_.erase(fork);
        return make(parent->second, returned, pid);
    }

    size_t make(size_t parent, const RecordLine &fork, pid_t pid) {
        if (!contains(fork.arguments, "CLONE_THREAD"))
            return start(pid, parent);
        life(parent).threads++;
        return threads_[pid] = parent;
    }

    void tell(const RecordLine &event) {
        now_ = event.time;
        if (event.kind == LineKind::ended) {
            ended(event);
            return;
        }
        size_t who = find(event.pid);
        bool first_thread = life(who).pid == event.pid;
        switch (event.kind) {
        case LineKind::begins:
            if (is_kill(event.name)) // its signal may come before it returns
                sent_[{who, target_of(event), signal_of(event)}] = now_;
            if (first_thread)
                begins(who, event);
            break;
        case LineKind::returns:
            if (first_thread && contains(event.arguments, "WNOHANG"))
                living_[who].waiting = {};
            if (first_thread)
                end_wait(who, now_);
            returns(who, event);
            break;
        default:
            if (first_thread)
                end_wait(who, now_);
            signal(who, event);
            break;
        }
    }

    // ---- waits --------------------------------------------------------------

    void begins(size_t who, const RecordLine &event) {
        Living &living = living_[who];
        living.since = now_;
        // strace names the call that goes on.
        living.waiting = wait_in(
            event.name == "restart_syscall" ? event.arguments : event.name);
    }

    void end_wait(size_t who, int64_t to) {
        Living &living = living_[who];
        if (living.waiting.empty())
            return;
        int64_t last = to == never ? history_.end : to;
        if (last - living.since >= shortest_wait)
            life(who).waits.push_back({living.waiting, living.since, to});
        living.waiting = {};
    }

    // ---- signals ------------------------------------------------------------

    // The last process that had the ID, living or dead.
    size_t latest(long pid) const {
        auto found = latest_.find(static_cast<pid_t>(pid));
        return found == latest_.end() ? nobody : found->second;
    }

    // An ID is not used again before its process is reaped.
    size_t child_of(size_t who, long pid) {
        size_t child = latest(pid);
        return child != nobody && life(child).parent == who ? child : nobody;
    }

    size_t living(long pid) const {
        auto found = threads_.find(static_cast<pid_t>(pid));
        return found == threads_.end() ? nobody : found->second;
    }

    void signal(size_t who, const RecordLine &event) {
        long from = number_in(text_after(event.arguments, "si_pid="));
        if (!living_[who].caught_known ||
            living_[who].caught.contains(event.name))
            living_[who].handling.push_back(history_.moments.size());
        Moment &moment = add(MomentKind::signal, who, nobody, event.name);
        if (contains(event.arguments, "si_code=CLD_")) {
            // Its sender may have been reaped before it comes.
            moment.other = child_of(who, from);
            if (moment.other != nobody && life(moment.other).ended != never)
                moment.sent = life(moment.other).ended;
        } else if (from > 0) {
            moment.other = latest(from);
            moment.number = from;
            if (auto sent = sent_.extract({moment.other, who, event.name}))
                moment.sent = sent.mapped();
        } else if (event.name == "SIGALRM") {
            moment.sent = std::exchange(living_[who].alarm, -1);
        }
        if (event.name == "SIGSTOP") {
            living_[who].since = now_;
            living_[who].waiting = "stopped";
        }
    }

    // ---- calls --------------------------------------------------------------

    void returns(size_t who, const RecordLine &event) {
        std::string_view name = event.name, words = event.arguments;
        std::vector<size_t> &handling = living_[who].handling;
        if (one_of(name, {"rt_sigreturn", "sigreturn"}) && !handling.empty()) {
            history_.moments[handling.back()].handled = now_;
            handling.pop_back();
        }
        if (is_kill(name) && event.value < 0)
            sent_.erase({who, target_of(event), signal_of(event)});
        // A direction is shut down even where the peer has ended the other.
        if (event.value < 0 && !contains(event.result, "EINPROGRESS") &&
            !contains(event.result, "ENOTCONN"))
            return;
        if (is_fork(name)) {
            if (forks_.erase({event.value, at_}) > 0)
                (void)make(who, event, static_cast<pid_t>(event.value));
        } else if (one_of(name, {"execve", "execveat"})) {
            executes(who, words, name == "execveat");
        } else if (one_of(name, {"wait4", "waitpid", "waitid"})) {
            reaps(who, event);
        } else if (one_of(name, {"rt_sigaction", "sigaction", "signal"})) {
            acts(&living_[who], argument(words, 0), argument(words, 1));
        } else if (name == "prctl") {
            if (argument(words, 0) == "PR_SET_CHILD_SUBREAPER")
                living_[who].adopts = argument(words, 1) != "0";
        } else if (name == "alarm") {
            living_[who].alarm = number_in(words) == 0 ? -1 : now_;
            add(MomentKind::alarm, who, nobody, {}, number_in(words));
        } else if (is_kill(name)) {
            if (signal_of(event) != "0")
                add(MomentKind::sends, who, target_of(event), signal_of(event));
        } else if (one_of(name, {"read", "readv", "recv", "recvfrom"})) {
            moves(who, event, MomentKind::reads, 0, 0);
        } else if (one_of(name, {"write", "writev", "send", "sendto"})) {
            moves(who, event, MomentKind::writes, 1, 2);
        } else if (name == "shutdown") {
            if (const Hold *hold = held(who, number_in(words)))
                add(MomentKind::shuts, who).socket = hold->socket;
        } else {
            descriptors(who, event);
        }
    }

    void executes(size_t who, std::string_view words, bool at) {
        std::string_view path = argument(words, at ? 1 : 0);
        if (size_t slash = path.rfind('/'); slash != path.npos)
            path.remove_prefix(slash + 1);
        if (path.starts_with('"'))
            path.remove_prefix(1);
        life(who).name = path.substr(0, path.find('"'));
        for (size_t i : std::vector<size_t>(living_[who].holds))
            if (Hold &hold = life(who).holds[i]; hold.close_on_exec)
                let_go(who, &hold);
        living_[who].handling.clear();
        living_[who].caught.clear();
        living_[who].caught_known = true;
        add(MomentKind::executes, who, nobody, argument(words, at ? 2 : 1));
    }

    static void acts(Living *living, std::string_view signal,
                     std::string_view how) {
        bool ignores = contains(how, "SIG_IGN");
        if (how == "NULL")
            return;
        if (ignores || contains(how, "SIG_DFL"))
            living->caught.erase(signal);
        else
            living->caught.insert(signal);
        if (signal == "SIGCHLD")
            living->reaps_unasked = ignores || contains(how, "SA_NOCLDWAIT");
    }

    size_t target_of(const RecordLine &kill) const {
        return living(
            number_in(argument(kill.arguments, kill.name == "tgkill"), 0));
    }

    static std::string_view signal_of(const RecordLine &kill) {
        return argument(kill.arguments, kill.name == "tgkill" ? 2 : 1);
    }

    // From or to a socket, or descriptors FIRST to LAST.
    void moves(size_t who, const RecordLine &event, MomentKind kind, long first,
               long last) {
        long fd = number_in(event.arguments);
        const Hold *from = held(who, fd);
        std::string_view text = argument(event.arguments, 1);
        if (event.value < 0 || (from == nullptr && (fd < first || fd > last)) ||
            !contains(text, "\""))
            return;
        bool output = from == nullptr && kind == MomentKind::writes;
        if (!output && living_[who].told++ >= most_told)
            return;
        add(kind, who, nobody, event.value == 0 ? "" : text).socket =
            from == nullptr ? nobody : from->socket;
    }

    // ---- ends ---------------------------------------------------------------

    void reaps(size_t who, const RecordLine &event) {
        bool by_id = event.name == "waitid";
        std::string_view words = event.arguments;
        std::string_view about = argument(words, by_id ? 2 : 1);
        if (by_id ? contains(argument(words, 3), "WNOWAIT") ||
                        !(contains(about, "CLD_EXITED") ||
                          contains(about, "CLD_KILLED") ||
                          contains(about, "CLD_DUMPED"))
                  : contains(about, "WIFSTOPPED") ||
                        contains(about, "WIFCONTINUED"))
            return;
        if (event.value == 0 && !by_id) {
            add(MomentKind::asks, who);
            return;
        }
        long pid =
            by_id ? number_in(text_after(about, "si_pid=")) : event.value;
        size_t child = child_of(who, pid);
        if (child == nobody || life(child).gone != never)
            return;
        if (life(child).ended == never) { // the record does not say it
            ends(child, 0, {});
            // From now on the ID is another process's.
            std::erase_if(threads_, [child](const auto &thread) {
                return thread.second == child;
            });
        }
        life(child).reaper = who;
        life(child).gone = now_;
        add(MomentKind::reaps, who, child);
    }

    void ended(const RecordLine &event) {
        auto thread = threads_.find(event.pid);
        size_t who =
            thread == threads_.end() ? find(event.pid) : thread->second;
        threads_.erase(event.pid);
        if (life(who).pid == event.pid && life(who).ended == never)
            ends(who, event.value, event.name);
    }

    void ends(size_t who, long status, std::string_view killed) {
        Life &dead = life(who);
        end_wait(who, now_);
        dead.ended = now_;
        dead.status = status;
        dead.killed = killed;
        for (size_t i : living_[who].holds)
            dead.holds[i].to = now_;
        living_[who].holds.clear();
        add(MomentKind::ends, who);
        if (dead.parent == nobody || living_[dead.parent].reaps_unasked)
            vanish(who);

        size_t heir = dead.parent;
        while (heir != nobody &&
               !(living_[heir].adopts && life(heir).ended == never))
            heir = life(heir).parent;
        for (size_t i : living_[who].children) {
            Life &child = life(i);
            if (child.gone != never)
                continue;
            child.parent = heir;
            add(MomentKind::adopted, i, heir);
            if (heir != nobody)
                living_[heir].children.push_back(i);
            else if (child.ended != never)
                vanish(i);
        }
        living_[who].children.clear();
    }

    // Whoever reaps it is not in the record, and does so at once.
    void vanish(size_t who) {
        life(who).gone = now_;
        if (life(who).ended < now_)
            add(MomentKind::vanishes, who);
    }

    // ---- sockets ------------------------------------------------------------

    Hold *held(size_t who, long fd) {
        for (size_t i : living_[who].holds)
            if (life(who).holds[i].fd == fd)
                return &life(who).holds[i];
        return nullptr;
    }

    void let_go(size_t who, Hold *hold) {
        std::erase(living_[who].holds,
                   static_cast<size_t>(hold - life(who).holds.data()));
        hold->to = now_;
        add(MomentKind::closes, who).socket = hold->socket;
    }

    void hold(size_t who, size_t socket, long fd, bool close_on_exec) {
        if (Hold *old = held(who, fd)) // dup2 closes it
            let_go(who, old);
        if (living_[who].holds.size() == most_held) {
            life(who).unfollowed++;
            return;
        }
        living_[who].holds.push_back(life(who).holds.size());
        life(who).holds.push_back(
            {socket, static_cast<int>(fd), close_on_exec, now_, never});
        add(MomentKind::opens, who).socket = socket;
    }

    size_t new_socket() {
        history_.sockets.emplace_back();
        return history_.sockets.size() - 1;
    }

    // What was inherited is known by its first use.
    void listens(size_t who, long fd) {
        if (held(who, fd) == nullptr)
            hold(who, new_socket(), fd, false);
        if (const Hold *listener = held(who, fd))
            history_.sockets[listener->socket].role = Socket::listener;
    }

    static long port_in(std::string_view words) {
        return number_in(text_after(words, "port=htons("), 0);
    }

    void descriptors(size_t who, const RecordLine &event) {
        std::string_view name = event.name, words = event.arguments;
        long fd = number_in(words);
        bool close_on_exec = contains(words, "CLOEXEC");
        if (name == "socket") {
            if (!contains(words, "DGRAM") && !contains(words, "NETLINK"))
                hold(who, new_socket(), event.value, close_on_exec);
        } else if (one_of(name, {"bind", "getsockname"})) {
            if (Hold *bound = held(who, fd))
                if (Socket &its = history_.sockets[bound->socket];
                    its.role <= Socket::listener) // else the peer's is told
                    its.port = port_in(words);
        } else if (name == "listen") {
            listens(who, fd);
        } else if (one_of(name, {"accept", "accept4"})) {
            listens(who, fd);
            size_t made = new_socket();
            history_.sockets[made] = {Socket::accepted, port_in(words)};
            hold(who, made, event.value, close_on_exec);
        } else if (name == "connect") {
            if (Hold *from = held(who, fd))
                history_.sockets[from->socket] = {Socket::connected,
                                                  port_in(words)};
        } else {
            copies(who, event, fd, close_on_exec);
        }
    }

    void copies(size_t who, const RecordLine &event, long fd,
                bool close_on_exec) {
        std::string_view name = event.name;
        std::string_view second = argument(event.arguments, 1);
        if (name == "close") {
            if (Hold *closed = held(who, fd))
                let_go(who, closed);
        } else if (name == "close_range") {
            // ~0U, and more than an int can hold, is all.
            long last = number_in(second, INT32_MAX);
            for (size_t i : std::vector<size_t>(living_[who].holds)) {
                Hold &hold = life(who).holds[i];
                if (hold.fd < fd || hold.fd > last)
                    continue;
                if (close_on_exec)
                    hold.close_on_exec = true;
                else
                    let_go(who, &hold);
            }
        } else if (one_of(name, {"dup", "dup2", "dup3"}) ||
                   second.starts_with("F_DUPFD")) {
            Hold *from = held(who, fd);
            if (from != nullptr && event.value != fd)
                hold(who, from->socket, event.value, close_on_exec);
            else if (Hold *old = held(who, event.value);
                     from == nullptr && old != nullptr)
                let_go(who, old);
        } else if (second == "F_SETFD") {
            if (Hold *held_fd = held(who, fd))
                held_fd->close_on_exec = close_on_exec;
        }
    }

    const Record &record_;
    History history_ = {};
    std::vector<Living> living_;      // as the processes
    std::map<pid_t, size_t> threads_; // those that live, and their processes
    std::map<pid_t, size_t> latest_;  // the last process that had the ID
    // By the pid that a fork returned, and the event: the pid of who forked;
    // without those whose child is known.
    std::map<std::pair<long, size_t>, pid_t> forks_;
    // When who sent whom which signal, until it comes.
    std::map<std::tuple<size_t, size_t, std::string_view>, int64_t> sent_;
    size_t at_ = 0;
    int64_t now_ = 0;
};

History history_of(const Record &record) {
    return Historian(record).tell();
}
