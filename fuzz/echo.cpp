// SPDX-License-Identifier: MIT
// echo - the echo loop on a modelled descriptor. Oracles besides the model's:
// what was written is a prefix of what was read, and all of it unless a call
// failed; errno is that call's.
#include <errno.h>

#include "common/stream.h"
#include "input.h"
#include "kernel/calls.h"
#include "stream_model.h"

constexpr size_t room = 1024;
constexpr int descriptor = 1000;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    bool non_blocking = take_control(&input) % 2 == 1;
    const struct stream_model *peer =
        open_stream(descriptor, &input, room, non_blocking);
    answer_by(&stream_calls);
    int result = echo_stream(descriptor);
    int error = errno;
    answer_by(nullptr);
    check_echo(peer);
    if (result == 0)
        must(peer->ended && peer->taken_size == peer->given_size);
    else
        must(result == -1 && peer->error != 0 && error == peer->error);
    return 0;
}
