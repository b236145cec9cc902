// SPDX-License-Identifier: MIT
// input - what a fuzz target reads from its input: payload from the front,
// control bytes from the back, until the two meet. So any file can be a seed,
// and additional payload does not change the decisions.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// A target: runs its subject with one input. Returns 0, as engines require. A
// finding ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// DATA and SIZE as the fuzzer gave them; the bytes stay the fuzzer's.
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// The next control byte, or 0, which must end a target's run, if none is left.
inline uint8_t take_control(struct fuzz_input *input) {
    return input->size == 0 ? 0 : input->data[--input->size];
}

// Points *BYTES at up to SIZE bytes of payload. Returns their number.
inline size_t take_payload(struct fuzz_input *input, size_t size,
                           const uint8_t **bytes) {
    size_t n = smaller(size, input->size);
    *bytes = input->data;
    input->data += n;
    input->size -= n;
    return n;
}

// An oracle: TRUTH must hold. If not, reports the caller's FILE and LINE, and
// ends the process: a finding.
inline void must(bool truth, const char *file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
    if (truth)
        return;
    (void)fprintf(stderr, "%s:%d: this rule is broken\n", file, line);
    __builtin_trap();
}
