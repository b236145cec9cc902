// SPDX-License-Identifier: MIT
// parallel - runs several functions that mostly wait at once.
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "support/network.h"
#include "support/parallel.h"
#include "support/process.h"

// A body has deadlines of its own; this is the limit if they fail.
constexpr std::chrono::seconds longest(300);

struct Running {
    std::unique_ptr<Process> process;
    std::chrono::steady_clock::time_point until;
};

// Whether BODY has finished and been taken.
static bool taken(size_t i, const Running &body, const Take &take) {
    Process &process = *body.process;
    bool late = std::chrono::steady_clock::now() > body.until;
    if (!process.has_ended() && !late)
        return false;
    bool well = process.has_ended() && process.wait() == 0;
    take(i, well,
         process.output + process.errors + (late ? "it does not end" : ""));
    return true;
}

void run_in_parallel(const std::vector<std::function<void()>> &bodies,
                     size_t at_once, const Take &take) {
    std::map<size_t, Running> running;
    size_t next = 0;
    while (next < bodies.size() || !running.empty()) {
        while (next < bodies.size() && running.size() < at_once) {
            auto alone = [body = bodies[next]] {
                (void)enter_own_network();
                body();
            };
            running[next] = {std::make_unique<Process>(alone),
                             std::chrono::steady_clock::now() + longest};
            next++;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        std::erase_if(running, [&](auto &entry) {
            return taken(entry.first, entry.second, take);
        });
    }
}
