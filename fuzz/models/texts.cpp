// SPDX-License-Identifier: MIT
// texts - an input's payload as text.
#include <string.h>

#include "models/texts.h"

constexpr size_t most_payload = 128;
constexpr unsigned most_times = 8; // enough for more than any message holds

char *payload_text(struct fuzz_input *input) {
    static char text[most_times * most_payload + 1];
    const uint8_t *bytes = nullptr;
    unsigned times = 1 + take_control(input) % most_times;
    size_t n = take_payload(input, most_payload, &bytes);
    for (unsigned i = 0; i < times && n > 0; i++)
        memcpy(text + i * n, bytes, n);
    text[times * n] = '\0';
    return text;
}

char *exact_copy(const char *text) {
    char *copy = strdup(text);
    must(copy != nullptr);
    return copy;
}
