// SPDX-License-Identifier: MIT
// memory - what a forking server maps for its table, and keeps to itself.
#pragma once

#include <sys/types.h>

void *modelled_mmap(void *address, size_t size, int protection, int flags,
                    int fd, off_t offset);
int modelled_madvise(void *address, size_t size, int advice);
int modelled_munmap(void *address, size_t size);

// The server has given its memory back.
void check_memory(void);

// What is not to be in a child: takes it away, so that who looks at it meets
// nonsense; and nobody has written to it since.
void hide_memory(void);
void check_hidden_memory(void);
