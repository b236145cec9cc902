// SPDX-License-Identifier: MIT
// server - runs an echo_mpserv for the test.
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "support/machine.h"
#include "support/server.h"

std::vector<std::string>
server_command(const std::vector<std::string> &options) {
    std::vector<std::string> words = {program("echo_mpserv")};
    if (!have_seccomp())
        words.push_back("-S");
    words.insert(words.end(), options.begin(), options.end());
    return words;
}

static std::vector<std::string> at_free_port(std::vector<std::string> options) {
    options.push_back("0");
    return server_command(options);
}

Server::Server(const std::vector<std::string> &options,
               const StartOptions &start)
    : Process(at_free_port(options), start) {
    if (start.output != -1)
        return; // the test itself will find out the port
    REQUIRE_MESSAGE(output_has("\n"), errors);
    port = announced_port(output);
}

void pass_listener(const Fd &listener) {
    if (listener.get() == 3)
        fcntl(3, F_SETFD, 0);
    else
        dup2(listener.get(), 3);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "1", 1);
}

int announced_port(const std::string &output) {
    size_t line = output.find("listening on ");
    REQUIRE(line != output.npos);
    size_t end = output.find('\n', line);
    size_t colon = output.rfind(':', end);
    return std::stoi(output.substr(colon + 1, end - colon - 1));
}
