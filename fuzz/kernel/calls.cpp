// SPDX-License-Identifier: MIT
// calls - the calls with which the code under test leaves itself.
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "input.h"
#include "kernel/calls.h"

static const struct modelled_calls *model; // null: the system answers

void answer_by(const struct modelled_calls *calls) {
    model = calls;
}

extern "C" {
int __real_accept4(int fd, struct sockaddr *address, socklen_t *size,
                   int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size,
                   int flags);
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close_range(unsigned first, unsigned last, int flags);
pid_t __real_fork(void);
pid_t __wrap_fork(void);
[[gnu::alias("__wrap_fork")]] pid_t __wrap__Fork(void);
unsigned __real_if_nametoindex(const char *name);
unsigned __wrap_if_nametoindex(const char *name);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_kill(pid_t pid, int signo);
int __wrap_kill(pid_t pid, int signo);
int __real_madvise(void *address, size_t size, int advice);
int __wrap_madvise(void *address, size_t size, int advice);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
                  off_t offset);
// Of the same two names as fcntl(2); off_t has 64 bits under both here.
[[gnu::alias("__wrap_mmap")]] void *__wrap_mmap64(void *address, size_t size,
                                                  int protection, int flags,
                                                  int fd, off_t offset);
int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);
int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __real_poll(struct pollfd *fds, nfds_t count, int milliseconds);
int __wrap_poll(struct pollfd *fds, nfds_t count, int milliseconds);
int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *mask);
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __real_setitimer(int which, const struct itimerval *value,
                     struct itimerval *before);
int __wrap_setitimer(int which, const struct itimerval *value,
                     struct itimerval *before);
int __real_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t size);
int __wrap_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t size);
int __real_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before);
int __wrap_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before);
int __real_sigprocmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *before);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
[[noreturn]] void __real__exit(int status);
[[noreturn]] void __wrap__exit(int status);
[[noreturn]] void __real_exit(int status);
[[noreturn]] void __wrap_exit(int status);
int __wrap_fcntl(int fd, int command, ...);
[[gnu::alias("__wrap_fcntl")]] int __wrap_fcntl64(int fd, int command, ...);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size,
                   int flags) {
    if (model == nullptr)
        return __real_accept4(fd, address, size, flags);
    must(model->accept4 != nullptr);
    return model->accept4(fd, address, size, flags);
}

int __wrap_close(int fd) {
    if (model == nullptr)
        return __real_close(fd);
    must(model->close != nullptr);
    return model->close(fd);
}

// The C library may lack it.
int __wrap_close_range(unsigned first, unsigned last, int flags) {
    if (model == nullptr)
        return static_cast<int>(
            __real_syscall(SYS_close_range, first, last, flags));
    must(model->close_range != nullptr);
    return model->close_range(first, last, flags);
}

pid_t __wrap_fork(void) {
    if (model == nullptr)
        return __real_fork();
    must(model->fork != nullptr);
    return model->fork();
}

unsigned __wrap_if_nametoindex(const char *name) {
    if (model == nullptr)
        return __real_if_nametoindex(name);
    must(model->if_nametoindex != nullptr);
    return model->if_nametoindex(name);
}

int __wrap_ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (model == nullptr)
        return __real_ioctl(fd, request, argument);
    must(model->ioctl != nullptr);
    return model->ioctl(fd, request, static_cast<int *>(argument));
}

int __wrap_kill(pid_t pid, int signo) {
    if (model == nullptr)
        return __real_kill(pid, signo);
    must(model->kill != nullptr);
    return model->kill(pid, signo);
}

int __wrap_madvise(void *address, size_t size, int advice) {
    if (model == nullptr)
        return __real_madvise(address, size, advice);
    must(model->madvise != nullptr);
    return model->madvise(address, size, advice);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
                  off_t offset) {
    if (model == nullptr)
        return __real_mmap(address, size, protection, flags, fd, offset);
    must(model->mmap != nullptr);
    return model->mmap(address, size, protection, flags, fd, offset);
}

int __wrap_munmap(void *address, size_t size) {
    if (model == nullptr)
        return __real_munmap(address, size);
    must(model->munmap != nullptr);
    return model->munmap(address, size);
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left) {
    if (model == nullptr)
        return __real_nanosleep(time, left);
    must(model->nanosleep != nullptr);
    return model->nanosleep(time, left);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    if (model == nullptr)
        return __real_poll(fds, count, milliseconds);
    must(model->poll != nullptr);
    return model->poll(fds, count, milliseconds);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *mask) {
    if (model == nullptr)
        return __real_ppoll(fds, count, time, mask);
    must(model->ppoll != nullptr);
    return model->ppoll(fds, count, time, mask);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (model == nullptr)
        return __real_read(fd, buffer, size);
    must(model->read != nullptr);
    return model->read(fd, buffer, size);
}

int __wrap_setitimer(int which, const struct itimerval *value,
                     struct itimerval *before) {
    if (model == nullptr)
        return __real_setitimer(which, value, before);
    must(model->setitimer != nullptr);
    return model->setitimer(which, value, before);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t size) {
    if (model == nullptr)
        return __real_setsockopt(fd, level, option, value, size);
    must(model->setsockopt != nullptr);
    return model->setsockopt(fd, level, option, value, size);
}

int __wrap_sigaction(int signo, const struct sigaction *action,
                     struct sigaction *before) {
    if (model == nullptr)
        return __real_sigaction(signo, action, before);
    must(model->sigaction != nullptr);
    return model->sigaction(signo, action, before);
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *before) {
    if (model == nullptr)
        return __real_sigprocmask(how, set, before);
    must(model->sigprocmask != nullptr);
    return model->sigprocmask(how, set, before);
}

// The code under test makes a call this way that the C library may lack; an
// engine makes others, also while a model is armed.
long __wrap_syscall(long number, ...) {
    long word[6];
    va_list arguments;
    va_start(arguments, number);
    for (long &argument : word)
        argument = va_arg(arguments, long);
    va_end(arguments);
    if (model != nullptr && number == SYS_close_range)
        return __wrap_close_range(static_cast<unsigned>(word[0]),
                                  static_cast<unsigned>(word[1]),
                                  static_cast<int>(word[2]));
    return __real_syscall(number, word[0], word[1], word[2], word[3], word[4],
                          word[5]);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options) {
    if (model == nullptr)
        return __real_waitpid(pid, status, options);
    must(model->waitpid != nullptr);
    return model->waitpid(pid, status, options);
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size) {
    if (model == nullptr)
        return __real_write(fd, buffer, size);
    must(model->write != nullptr);
    return model->write(fd, buffer, size);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    if (model == nullptr || clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, now);
    must(model->clock_gettime != nullptr);
    return model->clock_gettime(clock, now);
}

[[noreturn]] static void exit_modelled(int status) {
    must(model->exit_process != nullptr);
    model->exit_process(status);
    __builtin_trap(); // it has not jumped
}

void __wrap__exit(int status) {
    if (model == nullptr)
        __real__exit(status);
    exit_modelled(status);
}

void __wrap_exit(int status) {
    if (model == nullptr)
        __real_exit(status);
    exit_modelled(status);
}

// The C library has it under two names, of which it may lack one.
int __wrap_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (model == nullptr)
        return static_cast<int>(
            __real_syscall(SYS_fcntl, fd, command, argument));
    must(model->fcntl != nullptr);
    return model->fcntl(fd, command);
}
