// SPDX-License-Identifier: MIT
// checks - what is asked of a server.
#include "mpaudit/checks.h"
#include "mpaudit/subject.h"
#include "support/waiting.h"

static std::string first_of(const std::vector<Member> &members) {
    std::string text;
    for (size_t i = 0; i < members.size() && i < 3; i++)
        text += (i == 0 ? "" : "; ") + text_of(members[i]);
    return text;
}

// Some servers reap only when the next client comes: what stays is then
// bounded.
void judge_zombies(Result &result, const Subject &subject,
                   const std::string &when) {
    if (eventually([] { return zombies_of(family()).empty(); }))
        return;
    std::vector<Member> left = zombies_of(family());
    std::string why;
    Fd next = subject.connect();
    (void)subject.serves(next, deadline_seconds, &why);
    next.close();
    if (eventually([] { return zombies_of(family()).size() <= 1; })) {
        result.comment(std::to_string(left.size()) + " zombies " + when +
                       " until the next client comes");
        return;
    }
    result.fault("zombies stay " + when,
                 {{"zombies", std::to_string(zombies_of(family()).size())},
                  {"first", first_of(left)},
                  {"server", subject.state()}});
}

bool judge_service(Result &result, const Subject &subject,
                   const std::string &when) {
    std::string why;
    bool served = false;
    // One that comes while a pause is not over yet may be turned away.
    for (int i = 0; i < 3 && !served; i++) {
        Fd client = subject.connect();
        served = subject.serves(client, deadline_seconds, &why);
        if (!served)
            pass(200);
    }
    if (!served)
        result.fault("no client is served " + when,
                     {{"client", why},
                      {"server", subject.state()},
                      {"errors", subject.errors()}});
    return served;
}

const std::vector<Check> checks = {
    {"descriptors", "no descriptor stays behind as clients come and go",
     nothing, check_descriptors},
    {"client-in-parent", "the parent lets go of a client's connection", a_fork,
     check_client_in_parent},
    {"listener-in-child", "a child does not hold the listener", a_fork,
     check_listener_in_child},
    {"client-in-other-child", "a child does not hold another's connection",
     a_fork, check_client_in_other_child},
    {"zombies-1", "no zombie after a client has left", a_fork, check_zombies_1},
    {"zombies-50", "no zombie after 50 have left at once", a_fork,
     check_zombies_50},
    {"zombies-500", "no zombie after 500 have left at once", a_fork,
     check_zombies_500},
    {"killed-children", "children that are killed are reaped, clients told",
     a_fork, check_killed_children},
    {"stopped-child", "a child that stops and goes on disturbs nobody", a_fork,
     check_stopped_child},
    {"sigchld-ignored", "it serves and reaps, started with SIGCHLD ignored",
     a_fork, check_sigchld_ignored},
    {"sigchld-blocked", "it serves and reaps, started with SIGCHLD blocked",
     a_fork, check_sigchld_blocked},
    {"child-signals",
     "a program run for a client starts with no signal blocked", a_fork,
     check_child_signals},
    {"idle", "it does not spin while there is nothing to do", nothing,
     check_idle},
    {"descriptor-limit", "out of descriptors it neither spins nor ends",
     nothing, check_descriptor_limit},
    {"process-limit", "out of processes it neither spins, ends nor leaks",
     a_fork, check_process_limit},
    {"accept-errors", "a connection that fails in accept(2) ends nothing",
     nothing | tracing, check_accept_errors},
    {"half-close", "a client that half-closes gets all of its echo", an_echo,
     check_half_close},
    {"slow-reader", "so does one that reads only a second later", an_echo,
     check_slow_reader},
    {"large-echo", "16 MiB come back as they were sent", an_echo,
     check_large_echo},
    {"no-reader", "a client that does not read holds up nobody", an_echo,
     check_no_reader},
    {"silent-client", "a client that is silent holds up nobody", nothing,
     check_silent_client},
    {"reset-before-accept", "clients that reset before accept(2) end nothing",
     nothing, check_reset_before_accept},
    {"reset-in-flight", "clients that reset amid their data end nothing",
     nothing, check_reset_in_flight},
    {"stalls", "no size of message waits for a delayed acknowledgement",
     an_echo, check_stalls},
    {"urgent-data", "urgent data ends nothing", an_echo, check_urgent_data},
    {"closed-descriptors",
     "started with 0, 1 and 2 closed, it prints to no client", nothing,
     check_closed_descriptors},
    {"log-full", "it serves while nobody reads what it prints", nothing,
     check_log_full},
    {"log-closed", "it serves when nobody can read what it prints", nothing,
     check_log_closed},
    {"disk-full", "it serves when there is no room for what it prints", nothing,
     check_disk_full},
    {"crowd", "it survives a thousand clients at once", nothing, check_crowd},
    {"growth", "it does not grow over 5000 clients", nothing, check_growth},
    {"sigterm", "SIGTERM ends it, and leaves nothing once clients are gone",
     nothing, check_sigterm},
    {"parent-killed", "nobody keeps the port of a server that was killed",
     a_fork, check_parent_killed},
    {"restart", "it starts again at once on the same port", nothing,
     check_restart},
};
