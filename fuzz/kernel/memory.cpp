// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/memory.h"
#include "kernel/state.h"

// Before and after the mapping, and in its place in a child.
constexpr size_t guard_size = 64;
constexpr unsigned char guard_byte = 0x5a;

static bool is_guard(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != guard_byte)
            return false;
    return true;
}

static bool is_mapping(const void *address, size_t size) {
    return address != nullptr && address == kernel.mapping.bytes &&
           size == kernel.mapping.size;
}

void *modelled_mmap(void *address, size_t size, int protection, int flags,
                    int fd, off_t offset) {
    must(address == nullptr && size > 0 && fd == -1 && offset == 0);
    must(protection == (PROT_READ | PROT_WRITE));
    must(flags == (MAP_PRIVATE | MAP_ANONYMOUS));
    must(kernel.mapping.bytes == nullptr); // one table needs no more
    if (kernel.mmap_fails) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    unsigned char *block =
        static_cast<unsigned char *>(malloc(size + 2 * guard_size));
    must(block != nullptr);
    memset(block, guard_byte, size + 2 * guard_size);
    kernel.mapping = {block + guard_size, size, false};
    memset(kernel.mapping.bytes, 0, size);
    return kernel.mapping.bytes;
}

int modelled_madvise(void *address, size_t size, int advice) {
    must(is_mapping(address, size) && advice == MADV_DONTFORK);
    kernel.mapping.kept = true;
    if (!kernel.madvise_fails)
        return 0;
    errno = ENOMEM;
    return -1;
}

int modelled_munmap(void *address, size_t size) {
    must(is_mapping(address, size));
    unsigned char *bytes = kernel.mapping.bytes;
    must(is_guard(bytes - guard_size, guard_size));
    must(is_guard(bytes + size, guard_size));
    free(bytes - guard_size);
    kernel.mapping = {};
    return 0;
}

void check_memory(void) {
    must(kernel.mapping.bytes == nullptr);
}

void hide_memory(void) {
    memset(kernel.mapping.bytes, guard_byte, kernel.mapping.size);
}

void check_hidden_memory(void) {
    must(is_guard(kernel.mapping.bytes, kernel.mapping.size));
}
