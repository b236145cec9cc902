// SPDX-License-Identifier: MIT
// child - the calls of a server's child: it has what it may have and no more,
// echoes, and leaves with a status that its parent can name.
#pragma once

#include <sys/socket.h>

// From now on the calls are the child's, of the client that was accepted last.
void begin_child(void);

ssize_t child_read(int fd, void *buffer, size_t size);
ssize_t child_write(int fd, const void *buffer, size_t size);
int child_fcntl(int fd, int command);
int child_ioctl(int fd, unsigned long request, int *value);
int child_close(int fd);
int child_close_range(unsigned first, unsigned last, int flags);
int child_setsockopt(int fd, int level, int option, const void *value,
                     socklen_t size);

// Checks what it leaves behind, and leaves the run by kernel.leave.
void child_exit(int status);
