// SPDX-License-Identifier: MIT
// calls - the calls by which the code under test leaves itself. The linker
// routes them here (--wrap). They go on to the model that a target has chosen
// or, without one, to the system, because an engine makes such calls too.
#pragma once

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

// Each with its return type, name, parameters and arguments.
#define MODELLED_CALLS(CALL)                                                   \
    CALL(void, _exit, (int a), (a))                                            \
    CALL(int, accept4, (int a, struct sockaddr *b, socklen_t *c, int d),       \
         (a, b, c, d))                                                         \
    CALL(int, close, (int a), (a))                                             \
    CALL(int, fcntl, (int a, int b, long c), (a, b, c))                        \
    CALL(pid_t, fork, (), ())                                                  \
    CALL(unsigned, if_nametoindex, (const char *a), (a))                       \
    CALL(int, ioctl, (int a, unsigned long b, int *c), (a, b, c))              \
    CALL(int, kill, (pid_t a, int b), (a, b))                                  \
    CALL(int, madvise, (void *a, size_t b, int c), (a, b, c))                  \
    CALL(void *, mmap, (void *a, size_t b, int c, int d, int e, off_t f),      \
         (a, b, c, d, e, f))                                                   \
    CALL(int, munmap, (void *a, size_t b), (a, b))                             \
    CALL(int, nanosleep, (const struct timespec *a, struct timespec *b),       \
         (a, b))                                                               \
    CALL(int, poll, (struct pollfd * a, nfds_t b, int c), (a, b, c))           \
    CALL(int, ppoll,                                                           \
         (struct pollfd * a, nfds_t b, const struct timespec *c,               \
          const sigset_t *d),                                                  \
         (a, b, c, d))                                                         \
    CALL(ssize_t, read, (int a, void *b, size_t c), (a, b, c))                 \
    CALL(int, setitimer,                                                       \
         (int a, const struct itimerval *b, struct itimerval *c), (a, b, c))   \
    CALL(int, setsockopt, (int a, int b, int c, const void *d, socklen_t e),   \
         (a, b, c, d, e))                                                      \
    CALL(int, sigaction,                                                       \
         (int a, const struct sigaction *b, struct sigaction *c), (a, b, c))   \
    CALL(int, sigprocmask, (int a, const sigset_t *b, sigset_t *c), (a, b, c)) \
    CALL(pid_t, waitpid, (pid_t a, int *b, int c), (a, b, c))                  \
    CALL(ssize_t, write, (int a, const void *b, size_t c), (a, b, c))

// Answers to the calls of the same names. A null one must not be called while
// the model is active: that is a finding. clock_gettime answers for
// CLOCK_MONOTONIC; other clocks are the engine's, and always the system's.
// close_range is also its number in syscall(2). _exit does not return but jumps
// back into the target (longjmp(3)). fork is _Fork() too.
struct modelled_calls {
    int (*clock_gettime)(clockid_t, struct timespec *) = nullptr;
    int (*close_range)(unsigned, unsigned, int) = nullptr;
#define MEMBER(result, call, parameters, _) result(*call) parameters = nullptr;
    MODELLED_CALLS(MEMBER)
#undef MEMBER
};

// From now on CALLS answers, or the system if null. CALLS stays the caller's,
// and must stay valid.
void answer_by(const struct modelled_calls *calls);
