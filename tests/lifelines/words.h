// SPDX-License-Identifier: MIT
// words - what both pictures say. Texts are UTF-8 without control characters,
// whatever a record holds.
#pragma once

#include <string>

#include "lifelines/history.h"

std::string clean(std::string_view text);
// The strings in what `writes` or `executes` have, without their quotes, one
// after the other with BETWEEN; at most MOST characters.
std::string unquoted(std::string_view text, std::string_view between,
                     size_t most);
// TEXT, at most MOST characters of it.
std::string cut(const std::string &text, size_t most);
size_t characters(std::string_view text);
std::string duration(int64_t microseconds); // "1.2 s", "35.0 ms"
std::string name_of(const Life &life);      // "zombie 4242"
std::string end_of(const Life &life);       // "exit 3", "SIGKILL"
std::string socket_name(const Socket &socket);
// The command that the record begins with.
std::string title_of(const History &history);
// "SIGTERM", "SIGTERM from outside" if who sent it is not in the record.
std::string signal_name(const Moment &signal);
// "left to 4242", or to process 1 if the heir is not in the record.
std::string left_to(const History &history, const Moment &adopted);
// "zombie 4242 forks 4243".
std::string sentence(const History &history, const Moment &moment);
// Whether MOMENT is of the first SHOWN processes alone, and to be told.
bool in_picture(const History &history, const Moment &moment, size_t shown);
// "2 more: 1 reaped, 1 left as zombies"; "" where all are shown.
std::string folded(const History &history, size_t shown);
