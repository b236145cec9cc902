// SPDX-License-Identifier: MIT
// median - the middle of what has been measured.
#pragma once

#include <vector>

// The median of those that are numbers; NaN if there are none.
double median(std::vector<double> values);
