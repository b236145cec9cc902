// SPDX-License-Identifier: MIT
// parallel - runs several functions that mostly wait at once.
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "support/network.h"
#include "support/parallel.h"
#include "support/process.h"

void run_in_parallel(const std::vector<std::function<void()>> &bodies,
                     size_t at_once, const Take &take) {
    std::map<size_t, std::unique_ptr<Process>> running; // by number of its body
    size_t next = 0;
    while (next < bodies.size() || !running.empty()) {
        for (; next < bodies.size() && running.size() < at_once; next++)
            running[next] = std::make_unique<Process>([body = bodies[next]] {
                (void)enter_own_network();
                body();
            });
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        std::erase_if(running, [&](const auto &entry) {
            const auto &[i, process] = entry;
            if (!process->has_ended())
                return false;
            bool well = process->wait() == 0;
            take(i, well, process->output + process->errors);
            return true;
        });
    }
}
