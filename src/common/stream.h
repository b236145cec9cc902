// SPDX-License-Identifier: MIT
// stream - bytes in and out of a descriptor. The only file that knows of
// EINTR in read(2) and write(2), and of writes that took less than asked.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// Reads what is there, at most SIZE bytes, into BUFFER; waits for the first
// byte, also where FD is non-blocking. Returns their number, 0 at end of file,
// or -1 with read(2)'s errno, but never EINTR, and EAGAIN only for the time-out
// of a socket. FD stays the caller's.
ssize_t read_some(int fd, void *buffer, size_t size);

// Writes all SIZE bytes of BUFFER, in as many calls as that takes. Returns 0,
// or -1 with write(2)'s errno when a part of them could not be written; EINTR
// as in read_some(); EAGAIN where a socket's peer has acknowledged nothing for
// two to four times the time of SO_SNDTIMEO (tcp(7), SIOCOUTQ); EIO where
// write(2) took nothing and gave no reason. Waits also where FD is
// non-blocking. The caller ignores SIGPIPE. SIZE 0 writes nothing. FD stays the
// caller's.
int write_all(int fd, const void *buffer, size_t size);

// Writes back whatever is read from FD until end of file (RFC 862). Returns 0
// when every byte has been written, or -1 with the errno of the read or write
// that failed; with SO_RCVTIMEO or SO_SNDTIMEO set (socket(7)), EAGAIN is that
// time-out. Not reentrant: its buffer is static. FD stays the caller's.
int echo_stream(int fd);
