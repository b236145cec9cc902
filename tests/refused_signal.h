// SPDX-License-Identifier: MIT
// refused_signal - a sigaction(2) that fails, for tests that are linked with
// --wrap=sigaction.
#pragma once

// The signal whose disposition cannot be changed in this process, for EPERM; 0,
// at first, for none.
extern int refused_signal;
