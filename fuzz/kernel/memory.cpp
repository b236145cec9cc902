// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernel/answers.h"
#include "kernel/state.h"

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
    unsigned char *bytes = static_cast<unsigned char *>(calloc(1, size));
    must(bytes != nullptr);
    kernel.mapping = {bytes, size, false};
    return bytes;
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
    free(address);
    kernel.mapping = {};
    return 0;
}
