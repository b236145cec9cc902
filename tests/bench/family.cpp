// SPDX-License-Identifier: MIT
// family - what /proc says of a server and its descendants.
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

#include "bench/family.h"
#include "common/die.h"

static std::string folder_of(pid_t pid) {
    return "/proc/" + std::to_string(pid) + "/";
}

std::vector<pid_t> children_of(pid_t pid) {
    std::string thread = "task/" + std::to_string(pid) + "/children";
    std::ifstream file(folder_of(pid) + thread);
    // A kernel can be built without that file.
    if (!file && access(folder_of(pid).c_str(), F_OK) == 0)
        die("the children of a process in /proc");
    std::vector<pid_t> children;
    for (pid_t child = 0; file >> child;)
        children.push_back(child);
    return children;
}

std::vector<pid_t> descendants_of(pid_t pid) {
    std::vector<pid_t> found = children_of(pid);
    for (size_t i = 0; i < found.size(); i++)
        for (pid_t child : children_of(found[i]))
            found.push_back(child);
    return found;
}

double proportional_kib(const std::vector<pid_t> &pids) {
    double sum = 0;
    for (pid_t pid : pids) {
        std::ifstream file(folder_of(pid) + "smaps_rollup");
        for (std::string word; file >> word;)
            if (double size = 0; word == "Pss:" && file >> size)
                sum += size;
    }
    return sum;
}

Cost cost_of(pid_t pid) {
    std::ifstream file(folder_of(pid) + "stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 3; i < 10; i++) // minflt is field 10
        fields >> skipped;
    double minor = 0;
    double of_children = 0;
    double ticks = 0;
    fields >> minor >> of_children >> skipped >> skipped;
    for (int i = 14; i <= 17; i++) { // utime, stime, cutime, cstime
        double time = 0;
        fields >> time;
        ticks += time;
    }
    double a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    return {minor, of_children, ticks / a_second * 1e6};
}
