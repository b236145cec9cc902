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

// One line each: the number of parameters, the return type, the name, and the
// types of the parameters.
#define MODELLED_CALLS(CALL)                                                   \
    CALL(1, void, _exit, int)                                                  \
    CALL(4, int, accept4, int, struct sockaddr *, socklen_t *, int)            \
    CALL(1, int, close, int)                                                   \
    CALL(3, int, fcntl, int, int, long)                                        \
    CALL(0, pid_t, fork, void)                                                 \
    CALL(1, unsigned, if_nametoindex, const char *)                            \
    CALL(3, int, ioctl, int, unsigned long, int *)                             \
    CALL(2, int, kill, pid_t, int)                                             \
    CALL(3, int, madvise, void *, size_t, int)                                 \
    CALL(6, void *, mmap, void *, size_t, int, int, int, off_t)                \
    CALL(2, int, munmap, void *, size_t)                                       \
    CALL(2, int, nanosleep, const struct timespec *, struct timespec *)        \
    CALL(3, int, poll, struct pollfd *, nfds_t, int)                           \
    CALL(4, int, ppoll, struct pollfd *, nfds_t, const struct timespec *,      \
         const sigset_t *)                                                     \
    CALL(3, ssize_t, read, int, void *, size_t)                                \
    CALL(3, int, setitimer, int, const struct itimerval *, struct itimerval *) \
    CALL(5, int, setsockopt, int, int, int, const void *, socklen_t)           \
    CALL(3, int, sigaction, int, const struct sigaction *, struct sigaction *) \
    CALL(3, int, sigprocmask, int, const sigset_t *, sigset_t *)               \
    CALL(3, pid_t, waitpid, pid_t, int *, int)                                 \
    CALL(3, ssize_t, write, int, const void *, size_t)

// Answers to the calls of the same names. A null one must not be called while
// the model is active: that is a finding. clock_gettime answers for
// CLOCK_MONOTONIC; other clocks are the engine's, and always the system's.
// close_range is also its number in syscall(2). _exit does not return but jumps
// back into the target (longjmp(3)). fork is _Fork() too.
struct modelled_calls {
    int (*clock_gettime)(clockid_t, struct timespec *) = nullptr;
    int (*close_range)(unsigned, unsigned, int) = nullptr;
#define MEMBER(count, result, call, ...) result (*call)(__VA_ARGS__) = nullptr;
    MODELLED_CALLS(MEMBER)
#undef MEMBER
};

// From now on CALLS answers, or the system if null. CALLS stays the caller's,
// and must stay valid.
void answer_by(const struct modelled_calls *calls);
