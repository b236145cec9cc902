// SPDX-License-Identifier: MIT
// serve - the server's whole accept loop, with its table of children, its
// reaping and its log, on a modelled kernel; see kernel.h for the oracles. If
// the input says so, fork(2) returns 0, and the run continues as that child.
#include <errno.h>
#include <setjmp.h>

#include "kernel/calls.h"
#include "kernel/kernel.h"
#include "kernel/memory.h"
#include "kernel/state.h"
#include "server/children.h"
#include "server/events.h"
#include "server/serve.h"

static struct children children;

static void run_server(void) {
    if (serve_signals() == -1) {
        must(kernel.sigaction_failed);
        return;
    }
    must(!kernel.sigaction_failed);
    check_end(serve(&kernel.settings, &children));
}

static void run_with_table(void) {
    if (children_open(&children, kernel.limit) == -1) {
        must(errno == ENOMEM && kernel.mmap_fails);
        return;
    }
    must(!kernel.mmap_fails);
    if (setjmp(kernel.leave) == 0)
        run_server();
    answer_by(&kernel_calls);  // if a child answered last
    children_close(&children); // a child leaves it to the kernel
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    boot(&input);
    answer_by(&kernel_calls);
    run_with_table();
    answer_by(nullptr);
    check_memory();
    return 0;
}
