// SPDX-License-Identifier: MIT
// checks - what is asked of a server.
#include "mpaudit/checks.h"
#include "mpaudit/subject.h"
#include "support/waiting.h"

static std::string first_of(const std::vector<Stat> &members) {
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
    std::vector<Stat> left = zombies_of(family());
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

std::vector<Check> all_checks() {
    std::vector<Check> all = process_checks;
    all.insert(all.end(), limit_checks.begin(), limit_checks.end());
    all.insert(all.end(), traffic_checks.begin(), traffic_checks.end());
    return all;
}
