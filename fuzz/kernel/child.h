// SPDX-License-Identifier: MIT
// child - the calls of a server's child: it keeps only what it may have,
// echoes, and exits with a status that tells its parent the reason.
#pragma once

// From now on calls come from the child of the client accepted last. Its
// _exit(2) checks what it leaves behind, and leaves the run by kernel.leave.
void begin_child(void);
