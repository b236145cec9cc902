// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <doctest/doctest.h>
#include <map>
#include <random>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "common/sockets.h"
#include "server/children.h"
#include "support/process.h"
#include "support/wrap.h"

static bool no_memory, no_advice;

WRAP(mmap64);
WRAP(madvise);

void *__wrap_mmap64(void *at, size_t size, int access, int flags, int fd,
                    off_t offset) {
    if (!no_memory)
        return __real_mmap64(at, size, access, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

int __wrap_madvise(void *at, size_t size, int advice) {
    if (!no_advice)
        return __real_madvise(at, size, advice);
    errno = EINVAL;
    return -1;
}

static address peer(const std::string &text, in_port_t port = 1) {
    address parsed = {};
    REQUIRE(parse_address(text.c_str(), AF_UNSPEC, port, &parsed) == 0);
    return parsed;
}

// A table that is closed with its test.
struct Table : children {
    explicit Table(int most) : children{} {
        REQUIRE(children_open(this, most) == 0);
    }
    ~Table() {
        children_close(this);
    }
    Table(const Table &) = delete;
};

static std::set<pid_t> all_of(const children &table) {
    std::set<pid_t> pids;
    for (int i = 0; i < table.live; i++)
        CHECK(pids.insert(table.entries[i].pid).second);
    return pids;
}

TEST_CASE("a child is there from its adding to its removing") {
    Table table(3);
    address a = peer("192.0.2.1");
    CHECK(table.limit == 3);
    CHECK(table.live == 0);
    children_add(&table, 100, &a);
    children_add(&table, 104, &a);
    children_add(&table, 7, &a);
    CHECK(table.live == 3);
    CHECK(all_of(table) == std::set<pid_t>{7, 100, 104});
    CHECK(children_remove(&table, 100));
    CHECK(table.live == 2);
    CHECK(all_of(table) == std::set<pid_t>{7, 104});
}

TEST_CASE("a pid that is not in the table is not removed") {
    Table table(2);
    address a = peer("192.0.2.1");
    CHECK_FALSE(children_remove(&table, 1));
    children_add(&table, 1, &a);
    CHECK_FALSE(children_remove(&table, 3));
    CHECK(children_remove(&table, 1));
    CHECK_FALSE(children_remove(&table, 1));
    CHECK(table.live == 0);
}

TEST_CASE("clients are counted by address, whatever their ports") {
    Table table(8);
    address a = peer("192.0.2.1", 1);
    address a_again = peer("192.0.2.1", 2);
    address b = peer("2001:db8::1");
    CHECK(children_from(&table, &a) == 0);
    children_add(&table, 1, &a);
    children_add(&table, 2, &a_again);
    children_add(&table, 3, &b);
    CHECK(children_from(&table, &a) == 2);
    CHECK(children_from(&table, &b) == 1);
    children_remove(&table, 1);
    CHECK(children_from(&table, &a) == 1);
    children_remove(&table, 2);
    CHECK(children_from(&table, &a) == 0);
    CHECK(children_from(&table, &b) == 1);
}

TEST_CASE("an IPv4 address is one and the same in both of its forms") {
    Table table(2);
    address plain = peer("192.0.2.1");
    address mapped = peer("::ffff:192.0.2.1");
    children_add(&table, 1, &plain);
    CHECK(children_from(&table, &mapped) == 1);
}

TEST_CASE("the IPv6 addresses of one /64 count as one") {
    Table table(4);
    address one = peer("2001:db8:0:1::1");
    address same = peer("2001:db8:0:1:ffff:ffff:ffff:ffff");
    address other = peer("2001:db8:0:2::1");
    children_add(&table, 1, &one);
    children_add(&table, 2, &same);
    CHECK(children_from(&table, &one) == 2);
    CHECK(children_from(&table, &same) == 2);
    CHECK(children_from(&table, &other) == 0);
    CHECK(children_remove(&table, 1));
    CHECK(children_from(&table, &same) == 1);
}

TEST_CASE("no IPv6 network is taken for an IPv4 address") {
    Table table(1);
    address ipv4 = peer("32.1.13.184"); // 2001:db8 in bytes
    children_add(&table, 1, &ipv4);
    for (const char *text : {"2001:db8:ffff::1", "2001:db8::ffff", "::1",
                             "::32.1.13.184", "64:ff9b::32.1.13.184"}) {
        address ipv6 = peer(text);
        CHECK(children_from(&table, &ipv6) == 0);
    }
}

TEST_CASE("a table that cannot be had is refused") {
    children table = {};
    no_memory = true;
    errno = 0;
    CHECK(children_open(&table, 10) == -1);
    no_memory = false;
    CHECK(errno == ENOMEM);
    CHECK(table.entries == nullptr);
}

TEST_CASE("a table that forks would copy is a table, too") {
    no_advice = true;
    Table table(1);
    no_advice = false;
    address a = peer("192.0.2.1");
    children_add(&table, 1, &a);
    CHECK(children_from(&table, &a) == 1);
}

TEST_CASE("a fork does not copy the table") {
    Table table(1);
    Run child = run_in_child([&table] {
        // Writes where the table was; EFAULT tells that nothing is there.
        Pipe pipe = make_pipe();
        ssize_t n = write(pipe.write_end.get(), table.entries, 1);
        _exit(n == -1 && errno == EFAULT ? 0 : 1);
    });
    CHECK(child.status == 0);
}

TEST_CASE("a table takes as many as it was opened for") {
    for (int limit : {1, 2, 3, 64, 1000}) {
        Table table(limit);
        std::set<pid_t> pids;
        for (int i = 0; i < limit; i++) {
            address at = peer("10.0." + std::to_string(i / 250) + "." +
                              std::to_string(i % 250));
            children_add(&table, i + 1, &at);
            pids.insert(i + 1);
        }
        CHECK(table.live == limit);
        CHECK(all_of(table) == pids);
    }
}

TEST_CASE("ten thousand random steps agree with a map") {
    constexpr int limit = 64;
    Table table(limit);
    std::map<pid_t, std::string> model;
    std::mt19937 random(1);
    for (int step = 0; step < 10000; step++) {
        pid_t pid = static_cast<pid_t>(random() % 200 + 1);
        std::string text = "10.0.0." + std::to_string(random() % 7);
        address at = peer(text);
        if (model.contains(pid)) {
            CHECK(children_remove(&table, pid));
            model.erase(pid);
        } else if (table.live < limit) {
            children_add(&table, pid, &at);
            model[pid] = text;
        }
        int expected = 0;
        for (const auto &entry : model)
            expected += entry.second == text;
        REQUIRE(children_from(&table, &at) == expected);
        REQUIRE(table.live == static_cast<int>(model.size()));
    }
    std::set<pid_t> expected;
    for (const auto &entry : model)
        expected.insert(entry.first);
    CHECK(all_of(table) == expected);
}
