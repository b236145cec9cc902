// SPDX-License-Identifier: MIT
// wrap - takes over a call of the code under test. After WRAP(call), and with
// the call among the test's wraps in meson.build, the linker hands each use of
// it to __wrap_call(), which the test defines; __real_call() is the true one.
#pragma once

#include <type_traits>

// The type of a call without the attributes and the noexcept that the C library
// may give it, which a definition would have to repeat.
template <typename Result, typename... Parameters>
auto plain(Result (*call)(Parameters...)) -> Result (*)(Parameters...);

#define WRAP(call)                                                             \
    extern "C" std::remove_pointer_t<decltype(plain(call))> __real_##call,     \
        __wrap_##call
