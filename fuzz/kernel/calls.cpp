// SPDX-License-Identifier: MIT
#include <sys/syscall.h>
#include <unistd.h>

#include "input.h"
#include "kernel/calls.h"

static const struct modelled_calls *model; // null: the system

void answer_by(const struct modelled_calls *calls) {
    model = calls;
}

#define HAND_ON(result, call, parameters, arguments)                           \
    extern "C" result __real_##call parameters;                                \
    extern "C" result __wrap_##call parameters;                                \
    result __wrap_##call parameters {                                          \
        if (model == nullptr)                                                  \
            return __real_##call arguments;                                    \
        must(model->call != nullptr, __FILE__ " " #call);                      \
        return model->call arguments;                                          \
    }
MODELLED_CALLS(HAND_ON)

// The C library has some calls under two names, one of which it may lack; off_t
// has 64 bits in both. Calls with a variable number of arguments take words
// here, which are passed in the same places.
extern "C" {
[[gnu::alias("__wrap_fork")]] pid_t __wrap__Fork(void);
[[gnu::alias("__wrap_fcntl")]] int __wrap_fcntl64(int fd, int command,
                                                  long argument);
[[gnu::alias("__wrap_mmap")]] void *__wrap_mmap64(void *address, size_t size,
                                                  int protection, int flags,
                                                  int fd, off_t offset);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_close_range(unsigned first, unsigned last, int flags);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e,
                    long f);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    if (model == nullptr || clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, now);
    must(model->clock_gettime != nullptr);
    return model->clock_gettime(clock, now);
}

// The C library may lack close_range().
int __wrap_close_range(unsigned first, unsigned last, int flags) {
    if (model == nullptr)
        return static_cast<int>(
            __real_syscall(SYS_close_range, first, last, flags));
    must(model->close_range != nullptr);
    return model->close_range(first, last, flags);
}

// The code under test makes a call that the C library may lack this way. An
// engine makes other calls, even while a model is active.
long __wrap_syscall(long number, long a, long b, long c, long d, long e,
                    long f) {
    if (model != nullptr && number == SYS_close_range)
        return __wrap_close_range(static_cast<unsigned>(a),
                                  static_cast<unsigned>(b),
                                  static_cast<int>(c));
#ifdef SYS_socketcall
    if (model != nullptr && number == SYS_setsockopt)
        return __wrap_setsockopt(
            static_cast<int>(a), static_cast<int>(b), static_cast<int>(c),
            reinterpret_cast<const void *>(d), static_cast<socklen_t>(e));
#endif
    return __real_syscall(number, a, b, c, d, e, f);
}
