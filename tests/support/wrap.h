// SPDX-License-Identifier: MIT
// wrap - intercepts a call of the code under test. After WRAP(call), and with
// the call among the test's wraps in meson.build, the linker redirects each use
// to __wrap_call(), which the test defines; __real_call() is the original.
#pragma once

#include <type_traits>

// The type of a call without the C library's attributes and noexcept, which a
// definition would have to repeat.
template <typename Result, typename... Parameters>
auto plain(Result (*call)(Parameters...)) -> Result (*)(Parameters...);

#define WRAP(call)                                                             \
    extern "C" std::remove_pointer_t<decltype(plain(call))> __real_##call,     \
        __wrap_##call
