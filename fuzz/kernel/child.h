// SPDX-License-Identifier: MIT
// child - the calls of a server's child: it keeps only what it may have,
// echoes, and exits with a status that tells its parent the reason.
#pragma once

#include <sys/socket.h>

// From now on calls come from the child of the client accepted last.
void begin_child(void);

ssize_t child_read(int fd, void *buffer, size_t size);
ssize_t child_write(int fd, const void *buffer, size_t size);
int child_fcntl(int fd, int command, long);
int child_ioctl(int fd, unsigned long request, int *value);
int child_close(int fd);
int child_close_range(unsigned first, unsigned last, int flags);
int child_setsockopt(int fd, int level, int option, const void *value,
                     socklen_t size);

// Checks what the child leaves behind, and leaves the run by kernel.leave.
[[noreturn]] void child_exit(int status);
