// SPDX-License-Identifier: MIT
#include <errno.h>

#include "kernel/state.h"

struct kernel kernel;

bool fails(struct coming_failure *failure) {
    if (failure->count == 0)
        return false;
    failure->count--;
    errno = failure->error;
    return true;
}

void note_shortage(void) {
    kernel.ran_out = true;
    kernel.ran_out_at = kernel.clock;
    kernel.may_pause = true;
}

void note_plenty(void) {
    kernel.ran_out = false;
    kernel.may_pause = false;
}

void begin_drain(void) {
    kernel.draining = true;
    kernel.found_none = false;
    kernel.drain_earliest = kernel.clock;
}

void notice_drain(void) {
    if (!kernel.draining || kernel.noticed)
        return;
    kernel.noticed = true;
    kernel.drain_latest = kernel.clock;
}

bool is_late(void) {
    return kernel.draining &&
           kernel.woke_at >= kernel.drain_latest + ms_to_accept;
}

bool may_end_clients(void) {
    if (kernel.killed_at > 0)
        return true;
    int64_t grace = kernel.settings.grace * int64_t{1000};
    if (kernel.stopped_again_at > 0 && grace > ms_until_stopped_again)
        grace = ms_until_stopped_again;
    return kernel.draining && kernel.clock >= kernel.drain_earliest + grace;
}
