// SPDX-License-Identifier: MIT
// memory - what a forking server maps for its table and excludes from fork. It
// is a heap block of its exact size, so that a sanitizer sees accesses beyond.
#pragma once

#include <sys/types.h>

void *modelled_mmap(void *address, size_t size, int protection, int flags,
                    int fd, off_t offset);
int modelled_madvise(void *address, size_t size, int advice);
int modelled_munmap(void *address, size_t size);
