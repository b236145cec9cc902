// SPDX-License-Identifier: MIT
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "client/lines.h"
#include "support/sockets.h"

// A datagram socket keeps the pieces apart: one read(2) takes one of them, so
// that every chunking of an input can be played without waiting.
static std::string sent_from(const std::vector<std::string> &pieces) {
    auto [reader_end, writer_end] = make_socket_pair(SOCK_SEQPACKET);
    for (const std::string &piece : pieces)
        send_all(writer_end, piece);
    writer_end.close();
    auto reader = std::make_unique<quit_reader>();
    reader->fd = reader_end.get();
    std::string sent;
    const char *piece = nullptr;
    ssize_t n = 0;
    while ((n = read_piece(reader.get(), &piece)) > 0)
        sent.append(piece, static_cast<size_t>(n));
    CHECK(n == 0);
    CHECK(read_piece(reader.get(), &piece) == 0); // the end stays the end
    return sent;
}

// The rule, said in another way: up to the first line that is just q or Q.
static std::string expected_from(const std::string &input) {
    std::string sent;
    size_t at = 0;
    while (at < input.size()) {
        size_t end = input.find('\n', at);
        std::string line = input.substr(at, end - at);
        if (line == "q" || line == "Q")
            break;
        sent += line;
        if (end == input.npos)
            break;
        sent += '\n';
        at = end + 1;
    }
    return sent;
}

static std::vector<std::string> cut(const std::string &input, unsigned cuts) {
    std::vector<std::string> pieces(1);
    for (size_t i = 0; i < input.size(); i++) {
        pieces.back() += input[i];
        if ((cuts >> i & 1) != 0 && i + 1 < input.size())
            pieces.emplace_back();
    }
    if (pieces.back().empty())
        pieces.pop_back();
    return pieces;
}

TEST_CASE("the quitting line is found in every chunking") {
    for (const char *text :
         {"a\nq\nb\n", "q\n", "Q", "q", "aq\nq", "qq\nQ\nx", "\nq\n", "a\n",
          "xq\nqx\n", "q\r\nQ\n", "aaaq", "\n\n\nQ\nq", "qa\nq"}) {
        std::string input = text;
        for (unsigned cuts = 0; cuts < 1U << (input.size() - 1); cuts++)
            CHECK_MESSAGE(sent_from(cut(input, cuts)) == expected_from(input),
                          input, " cut ", cuts);
    }
}

TEST_CASE("bytes of every value and lines of any length pass") {
    std::string all;
    for (int byte = 0; byte < 256; byte++)
        all += static_cast<char>(byte);
    CHECK(sent_from({all, all}) == all + all);
    std::string long_line(40000, 'x');
    CHECK(sent_from({long_line, long_line, "\nq\nrest"}) ==
          long_line + long_line + "\n");
}

TEST_CASE("the quitting line at a border of the buffer is found") {
    for (size_t before :
         {piece_size - 2, piece_size - 1, piece_size, piece_size + 1}) {
        std::string text(before - 1, 'x');
        text += "\nq\nlost\n";
        Fd file = scratch_file(text);
        auto reader = std::make_unique<quit_reader>();
        reader->fd = file.get();
        std::string sent;
        const char *piece = nullptr;
        ssize_t n = 0;
        while ((n = read_piece(reader.get(), &piece)) > 0)
            sent.append(piece, static_cast<size_t>(n));
        CHECK(sent.size() == before);
        CHECK(sent == text.substr(0, before));
    }
}

TEST_CASE("an error of the input is reported with its errno") {
    auto reader = std::make_unique<quit_reader>();
    reader->fd = -1;
    const char *piece = nullptr;
    CHECK(read_piece(reader.get(), &piece) == -1);
    CHECK(errno == EBADF);
}

// It may go on: a terminal after its end-of-file character, a file that grows.
TEST_CASE("the end of the input stays the end") {
    for (std::string before : {"a\n", "q", "aq"}) {
        Fd file = scratch_file(before);
        auto reader = std::make_unique<quit_reader>();
        reader->fd = file.get();
        const char *piece = nullptr;
        while (read_piece(reader.get(), &piece) > 0)
            continue;
        REQUIRE(pwrite(file.get(), "more\n", 5,
                       static_cast<off_t>(before.size())) == 5);
        CHECK(read_piece(reader.get(), &piece) == 0);
        CHECK(reader->ended);
    }
}

static std::string printed(const std::vector<std::string> &pieces) {
    Fd file = scratch_file();
    struct line_printer printer = {};
    for (const std::string &piece : pieces)
        CHECK(print_lines(&printer, file.get(), "> ", piece.data(),
                          piece.size()) == 0);
    std::string text(static_cast<size_t>(lseek(file.get(), 0, SEEK_END)), 0);
    REQUIRE(pread(file.get(), text.data(), text.size(), 0) ==
            static_cast<ssize_t>(text.size()));
    return text;
}

TEST_CASE("each line has its prefix once, in every chunking") {
    std::string input = "ab\n\ncd\ne";
    for (unsigned cuts = 0; cuts < 1U << (input.size() - 1); cuts++)
        CHECK(printed(cut(input, cuts)) == "> ab\n> \n> cd\n> e");
    CHECK(printed({""}).empty());
}

TEST_CASE("prefixes do not overflow the buffer that gathers them") {
    std::string expected;
    for (size_t i = 0; i < piece_size; i++)
        expected += "> \n";
    CHECK(printed({std::string(piece_size, '\n')}) == expected);
    std::string long_line = pattern(3 * piece_size);
    for (char &c : long_line)
        c = c == '\n' ? ' ' : c;
    CHECK(printed({long_line}) == "> " + long_line);
}

TEST_CASE("print_lines reports that it cannot write") {
    Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    struct line_printer printer = {};
    CHECK(print_lines(&printer, full.get(), "> ", "a\n", 2) == -1);
    CHECK(errno == ENOSPC);
}
