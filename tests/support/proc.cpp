// SPDX-License-Identifier: MIT
// proc - what /proc says about a process.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/proc.h"
#include "support/process.h"
#include "support/require.h"
#include "support/waiting.h"

// A file that the kernel writes into one read(2), as stat and status are. The
// tests poll them: iostreams would take most of their time.
static std::string proc_text(pid_t pid, const char *name) {
    std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[8192];
    ssize_t n = file.get() == -1 ? 0 : read(file.get(), text, sizeof text);
    return std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
}

std::string status_field(pid_t pid, const std::string &name) {
    std::string text = "\n" + proc_text(pid, "status");
    std::string label = "\n" + name + ":\t";
    size_t found = text.find(label);
    if (found == text.npos)
        return "";
    size_t begin = found + label.size();
    return text.substr(begin, text.find('\n', begin) - begin);
}

Stat stat_of(pid_t pid) {
    Stat stat;
    std::string text = proc_text(pid, "stat");
    size_t begin = text.find('(') + 1;
    size_t end = text.rfind(')'); // a name may contain any character
    if (end == text.npos)
        return stat;
    stat.pid = pid;
    stat.name = text.substr(begin, end - begin);
    (void)sscanf(text.c_str() + end + 1,
                 " %c %d %d %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld",
                 &stat.state, &stat.parent, &stat.group, &stat.user,
                 &stat.system);
    return stat;
}

unsigned long long signal_mask(pid_t pid, const std::string &name) {
    constexpr int first_real_time = 32; // the kernel's; SIGRTMIN is higher
    unsigned long long of_library =
        (1ULL << (SIGRTMIN - 1)) - (1ULL << (first_real_time - 1));
    std::string mask = status_field(pid, name);
    return mask.empty() ? 0 : std::stoull(mask, nullptr, 16) & ~of_library;
}

std::string process_state(pid_t pid) {
    char state = stat_of(pid).state;
    return state == '\0' ? "" : std::string(1, state);
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> all;
    DIR *proc = opendir("/proc");
    REQUIRE(proc != nullptr);
    while (const struct dirent *entry = readdir(proc))
        if (pid_t pid = atoi(entry->d_name); pid > 0)
            all.push_back(pid);
    closedir(proc);
    return all;
}

// Every process whose stat file has the number WANTED in FIELD.
static std::vector<pid_t> processes_with(pid_t Stat::*field, pid_t wanted) {
    std::vector<pid_t> found = all_processes();
    std::erase_if(found,
                  [&](pid_t pid) { return stat_of(pid).*field != wanted; });
    return found;
}

std::vector<pid_t> children_of(pid_t pid) {
    return processes_with(&Stat::parent, pid);
}

pid_t only_child_of(pid_t pid) {
    std::vector<pid_t> children;
    REQUIRE(eventually([&] {
        children = children_of(pid);
        return children.size() == 1;
    }));
    return children.front();
}

std::vector<pid_t> members_of_group(pid_t pid) {
    return processes_with(&Stat::group, pid);
}

// Whether valgrind, which runs PID, opened this: its log, which also stays open
// at the first free number, or one of the 12 descriptors that it reserves.
static bool is_valgrinds(pid_t pid, int fd, const char *target) {
    const char *logs = getenv("ECHO_MP_VALGRIND");
    if (logs == nullptr)
        return false;
    struct rlimit limit = {};
    (void)prlimit(pid, RLIMIT_NOFILE, nullptr, &limit);
    return strncmp(target, logs, strlen(logs)) == 0 ||
           static_cast<rlim_t>(fd) + 12 >= limit.rlim_cur;
}

Descriptors descriptors_of(pid_t pid) {
    Descriptors descriptors;
    std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    DIR *fds = opendir(folder.c_str());
    while (const struct dirent *entry = fds ? readdir(fds) : nullptr) {
        char target[256] = {};
        std::string path = folder + "/" + entry->d_name;
        if (readlink(path.c_str(), target, sizeof target - 1) > 0 &&
            !is_valgrinds(pid, atoi(entry->d_name), target))
            descriptors[atoi(entry->d_name)] = target;
    }
    if (fds != nullptr)
        closedir(fds);
    return descriptors;
}

std::string text_of(const Descriptors &descriptors) {
    std::string text;
    for (const auto &[fd, target] : descriptors)
        text += " " + std::to_string(fd) + "=" + target;
    return text;
}

Fd copy_of_descriptor(pid_t pid, int fd) {
    Fd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    return Fd(static_cast<int>(syscall(SYS_pidfd_getfd, pid_fd.get(), fd, 0)));
}

long ticks_of(pid_t pid) {
    Stat stat = stat_of(pid);
    return stat.user + stat.system;
}

long sleeps_of(pid_t pid) {
    return atol(status_field(pid, "voluntary_ctxt_switches").c_str());
}
