// SPDX-License-Identifier: MIT
// input - what a fuzz target reads of its input: payload from the front,
// control bytes from the back, until the two meet. So any file is a seed, and
// more payload leaves the decisions as they were.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A target: runs its subject with one input; 0 for every engine. What ends the
// process is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// {DATA, SIZE} as the fuzzer gave them; the bytes stay the fuzzer's.
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// The next control byte; 0, which a target makes its end, when none is left.
inline uint8_t take_control(struct fuzz_input *input) {
    return input->size == 0 ? 0 : input->data[--input->size];
}

// Up to SIZE bytes of payload at *BYTES; returns how many.
inline size_t take_payload(struct fuzz_input *input, size_t size,
                           const uint8_t **bytes) {
    size_t n = smaller(size, input->size);
    *bytes = input->data;
    input->data += n;
    input->size -= n;
    return n;
}

// Says where a rule was broken and ends the process, which the fuzzer reports.
[[noreturn]] void report_broken_rule(const char *file, int line);

// An oracle: TRUTH must hold. FILE and LINE are the caller's.
inline void must(bool truth, const char *file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
    if (!truth)
        report_broken_rule(file, line);
}
