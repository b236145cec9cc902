// SPDX-License-Identifier: MIT
// descriptors - file descriptors closed by their owner's destructor.
#pragma once

#include <string_view>
#include <sys/socket.h>
#include <utility>

class Fd {
  public:
    explicit Fd(int fd = -1) : fd_(fd) {
    }
    Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {
    }
    Fd &operator=(Fd &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        close();
    }
    int get() const {
        return fd_;
    }
    void close();

  private:
    int fd_;
};

struct Pipe {
    Fd read_end, write_end;
};
Pipe make_pipe();
// Connected both ways; with SOCK_SEQPACKET each write is read separately.
Pipe make_socket_pair(int type = SOCK_STREAM);

// A file without a name, open for reading and writing.
Fd scratch_file(std::string_view contents = {});
