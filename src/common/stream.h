// SPDX-License-Identifier: MIT
// stream - reading and writing a descriptor, which stays the caller's. The only
// file that deals with EINTR and short counts in read(2) and write(2), except
// the log.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// Reads at most SIZE bytes into BUFFER, after waiting for the first, even if FD
// is non-blocking. Returns their number, 0 at end of file, or -1 with read(2)'s
// errno: never EINTR, and EAGAIN only for SO_RCVTIMEO.
ssize_t read_some(int fd, void *buffer, size_t size);

// Writes all SIZE bytes of BUFFER, even if FD is non-blocking. SIZE may be 0.
// Returns 0, or -1 with write(2)'s errno if some could not be written: never
// EINTR; EAGAIN if a socket's peer has acknowledged nothing for one to four
// times SO_SNDTIMEO; EIO if write(2) returned 0. The caller ignores SIGPIPE.
int write_all(int fd, const void *buffer, size_t size);

// Writes back to FD what is read from it, until end of file (RFC 862). Returns
// 0, or -1 with the errno of the read or write that failed. Not reentrant: its
// buffer is static.
int echo_stream(int fd);
