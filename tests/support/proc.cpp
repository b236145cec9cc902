// SPDX-License-Identifier: MIT
// proc - what /proc says about a process.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/proc.h"
#include "support/process.h"
#include "support/require.h"
#include "support/waiting.h"

static std::string proc_text(pid_t pid, const char *name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string status_field(pid_t pid, const std::string &name) {
    for (const std::string &line : lines_of(proc_text(pid, "status")))
        if (line.starts_with(name + ":\t"))
            return line.substr(name.size() + 2);
    return "";
}

unsigned long long signal_mask(pid_t pid, const std::string &name) {
    constexpr int first_real_time = 32; // the kernel's; SIGRTMIN is higher
    unsigned long long of_library =
        (1ULL << (SIGRTMIN - 1)) - (1ULL << (first_real_time - 1));
    std::string mask = status_field(pid, name);
    return mask.empty() ? 0 : std::stoull(mask, nullptr, 16) & ~of_library;
}

std::string process_state(pid_t pid) {
    return status_field(pid, "State").substr(0, 1);
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

// Every process whose status file has VALUE in the line NAME.
static std::vector<pid_t> processes_with(const std::string &name,
                                         const std::string &value) {
    std::vector<pid_t> found = all_processes();
    std::erase_if(found,
                  [&](pid_t pid) { return status_field(pid, name) != value; });
    return found;
}

std::vector<pid_t> children_of(pid_t pid) {
    return processes_with("PPid", std::to_string(pid));
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
    return processes_with("NSpgid", std::to_string(pid));
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
    std::string text = proc_text(pid, "stat");
    size_t name_end = text.rfind(')');
    if (name_end == text.npos)
        return 0;
    std::istringstream fields(text.substr(name_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; i++) // state is field 3, utime 14
        fields >> skipped;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    return user + system;
}
