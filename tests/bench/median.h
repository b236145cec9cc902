// SPDX-License-Identifier: MIT
// median - the median of measurements.
#pragma once

#include <vector>

// Ignores NaNs; NaN if there is nothing else.
double median(std::vector<double> values);
