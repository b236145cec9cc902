// SPDX-License-Identifier: MIT
// The linker hands each read and write of the library to this file (--wrap),
// which plays a script of what the kernel might answer.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <doctest/doctest.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/stream.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/wrap.h"

struct Answer {
    ssize_t result; // at most so many bytes; -1 fails with error
    int error = 0;
};

static bool scripted;
static std::deque<Answer> reads, writes;
static std::deque<int> queues; // what TIOCOUTQ tells; then it fails
static std::string input, written;
static size_t input_taken;

WRAP(read);
WRAP(write);
extern "C" int __wrap_ioctl(int fd, unsigned long request, int *value);

static Answer next(std::deque<Answer> &script, size_t size) {
    if (script.empty())
        return {static_cast<ssize_t>(size)};
    Answer answer = script.front();
    script.pop_front();
    errno = answer.error;
    answer.result = std::min(answer.result, static_cast<ssize_t>(size));
    return answer;
}

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (!scripted)
        return __real_read(fd, buffer, size);
    ssize_t n = next(reads, size).result;
    if (n <= 0)
        return n;
    n = std::min(n, static_cast<ssize_t>(input.size() - input_taken));
    memcpy(buffer, input.data() + input_taken, static_cast<size_t>(n));
    input_taken += static_cast<size_t>(n);
    return n;
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size) {
    if (!scripted)
        return __real_write(fd, buffer, size);
    ssize_t n = next(writes, size).result;
    if (n > 0)
        written.append(static_cast<const char *>(buffer),
                       static_cast<size_t>(n));
    return n;
}

int __wrap_ioctl(int, unsigned long request, int *value) {
    if (request != TIOCOUTQ || queues.empty()) {
        errno = ENOTTY;
        return -1;
    }
    *value = queues.front();
    queues.pop_front();
    return 0;
}

// Plays one script against ACTION and returns its result, errno kept.
template <typename Action>
static auto play(const std::string &bytes, std::deque<Answer> read_script,
                 std::deque<Answer> write_script, Action action) {
    input = bytes;
    input_taken = 0;
    written.clear();
    reads = std::move(read_script);
    writes = std::move(write_script);
    errno = 0;
    scripted = true;
    auto result = action();
    scripted = false;
    return result;
}

static int write_bytes(const std::string &bytes, std::deque<Answer> script) {
    return play("", {}, std::move(script),
                [&] { return write_all(1, bytes.data(), bytes.size()); });
}

TEST_CASE("read_some reads again when a signal interrupts it") {
    char buffer[8] = {};
    ssize_t n = play("abc", {{-1, EINTR}, {-1, EINTR}, {2}}, {},
                     [&] { return read_some(0, buffer, sizeof buffer); });
    CHECK(n == 2);
    CHECK(std::string(buffer) == "ab");
}

TEST_CASE("read_some reports end of file and errors") {
    char buffer[8];
    auto action = [&] { return read_some(0, buffer, sizeof buffer); };
    CHECK(play("abc", {{0}}, {}, action) == 0);
    CHECK(play("abc", {{-1, ECONNRESET}}, {}, action) == -1);
    CHECK(errno == ECONNRESET);
}

TEST_CASE("write_all completes a short write at every split") {
    const std::string bytes = "0123456789";
    for (ssize_t split = 1; split < 10; split++) {
        CHECK(write_bytes(bytes, {{split}, {-1, EINTR}, {1}}) == 0);
        CHECK(written == bytes);
    }
}

TEST_CASE("write_all stops at an error and keeps its errno") {
    CHECK(write_bytes("0123456789", {{4}, {-1, EPIPE}}) == -1);
    CHECK(errno == EPIPE);
    CHECK(written == "0123");
    CHECK(writes.empty());
}

TEST_CASE("write_all goes on while something is acknowledged") {
    queues = {900, 500, 100};
    CHECK(write_bytes("ab", {{-1, EAGAIN}, {-1, EAGAIN}, {-1, EAGAIN}}) == 0);
    CHECK(written == "ab");
    CHECK(queues.empty());
    queues = {900, 1000}; // of another write: it begins anew
    CHECK(write_bytes("ab", {{-1, EAGAIN}, {1}, {-1, EAGAIN}}) == 0);
    queues = {900, 900};
    CHECK(write_bytes("ab", {{-1, EAGAIN}, {-1, EAGAIN}}) == -1);
    CHECK(errno == EAGAIN);
    CHECK(write_bytes("ab", {{-1, EAGAIN}}) == -1); // no socket
    CHECK(errno == EAGAIN);
}

TEST_CASE("write_all takes a write of nothing for an error") {
    CHECK(write_bytes("0123", {{2}, {0}}) == -1);
    CHECK(errno == EIO);
}

TEST_CASE("write_all of nothing calls nothing") {
    CHECK(write_bytes("", {{-1, EBADF}}) == 0);
    CHECK(writes.size() == 1);
}

TEST_CASE("echo_stream writes back what it reads, in whatever pieces") {
    auto action = [] { return echo_stream(5); };
    CHECK(play("0123456789", {{3}, {-1, EINTR}, {4}, {3}, {0}},
               {{1}, {-1, EINTR}, {2}, {2}}, action) == 0);
    CHECK(written == "0123456789");
}

TEST_CASE("echo_stream ends at the first error, and writes nothing after it") {
    auto action = [] { return echo_stream(5); };
    CHECK(play("0123456789", {{3}, {-1, ECONNRESET}}, {}, action) == -1);
    CHECK(errno == ECONNRESET);
    CHECK(written == "012");
    CHECK(play("0123456789", {{3}, {3}, {0}}, {{3}, {1}, {-1, EAGAIN}},
               action) == -1);
    CHECK(errno == EAGAIN);
    CHECK(written == "0123");
    CHECK(reads.size() == 1); // nothing read after the failed write
}

TEST_CASE("echo_stream carries each byte value and a message of any size") {
    Pipe pair = make_socket_pair();
    int server = pair.write_end.get();
    Process child([server] { _exit(echo_stream(server) == 0 ? 0 : 1); });
    pair.write_end.close();
    for (size_t size : {1U, 30U, 64U, 4096U, 100000U})
        CHECK(echoes(pair.read_end, pattern(size)));
    finish_sending(pair.read_end);
    CHECK(receive_to_end(pair.read_end).empty());
    CHECK(child.wait() == 0);
}
