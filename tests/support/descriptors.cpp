// SPDX-License-Identifier: MIT
// descriptors - file descriptors closed by their owner's destructor.
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include "support/descriptors.h"
#include "support/require.h"

void Fd::close() {
    if (fd_ != -1)
        ::close(fd_);
    fd_ = -1;
}

Pipe make_pipe() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

Pipe make_socket_pair(int type) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

Fd scratch_file(std::string_view contents) {
    // Not memfd_create(2): two processes' writes to a memory file may collide.
    FILE *stream = tmpfile();
    REQUIRE(stream != nullptr);
    Fd file(fcntl(fileno(stream), F_DUPFD_CLOEXEC, 3));
    fclose(stream);
    REQUIRE(pwrite(file.get(), contents.data(), contents.size(), 0) ==
            static_cast<ssize_t>(contents.size()));
    return file;
}
