// SPDX-License-Identifier: MIT
// draw - a history as a picture. The same history gives the same bytes.
#pragma once

#include <string>

#include "lifelines/history.h"

// Microseconds: a longer gap is drawn as a break, with its time.
constexpr int64_t squeeze_from = 100000;

struct DrawOptions {
    std::string title; // "" for the command
    size_t most = 12;  // processes that are drawn; the others are counted
};

// An SVG picture: light or dark as the reader's browser asks for; no script.
std::string draw_svg(const History &history, const DrawOptions &options);
// UTF-8 for a terminal of 80 columns: time goes down, a column a process.
std::string draw_text(const History &history, const DrawOptions &options);
