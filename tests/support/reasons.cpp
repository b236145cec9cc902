// SPDX-License-Identifier: MIT
// reasons - the C library's error messages.
#include <cstdlib>
#include <cstring>
#include <netdb.h>

#include "support/process.h"
#include "support/reasons.h"

std::string reason_of(int error) {
    const char *program = getenv("ECHO_MP_REASON");
    if (program != nullptr)
        return run({program, std::to_string(error)}).output;
    return error < 0 ? gai_strerror(error) : strerror(error);
}
