// SPDX-License-Identifier: MIT
// table - medians over the rounds, and ratios within one round.
#pragma once

#include <string>
#include <vector>

struct Row {
    std::string title; // what is measured, with its unit
    bool less_is_better;
    int digits; // after the decimal point
    // By contestant, in the order of the names, then by round; NaN if missing.
    std::vector<std::vector<double>> values;
};

struct Table {
    std::string heading; // how it was measured
    std::vector<std::string> names;
    size_t own; // how many of them, from the first, are the project's own;
                // of two or more the second is the floor
    std::vector<Row> rows;
};

// How many times as good as OTHER the contestant ONE was; the median over
// rounds.
double ratio(const Row &row, size_t one, size_t other);
// The peer with the best median; 0 if none has been measured.
size_t best_peer(const Table &table, const Row &row);

// The whole as Markdown.
std::string markdown(const Table &table);
// For gnuplot: a line per row, its title quoted, then its ratios to the floor.
std::string chart_data(const Table &table);
