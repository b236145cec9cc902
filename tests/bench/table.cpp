// SPDX-License-Identifier: MIT
// table - medians over the rounds, and ratios within one round.
#include <cmath>
#include <cstdio>

#include "bench/median.h"
#include "bench/table.h"

constexpr size_t first = 0;  // the one that the others are compared with
constexpr size_t lowest = 1; // the floor, if it is the project's own too

static bool has_floor(const Table &table) {
    return table.own > lowest;
}

// Round by round, so that a passing disturbance affects both.
double ratio(const Row &row, size_t one, size_t other) {
    std::vector<double> ratios;
    for (size_t i = 0; i < row.values[one].size(); i++)
        ratios.push_back(row.less_is_better
                             ? row.values[other][i] / row.values[one][i]
                             : row.values[one][i] / row.values[other][i]);
    return median(ratios);
}

size_t best_peer(const Table &table, const Row &row) {
    size_t best = 0;
    double best_value = NAN;
    for (size_t i = table.own; i < table.names.size(); i++) {
        double value = median(row.values[i]);
        bool better =
            row.less_is_better ? value < best_value : value > best_value;
        if (std::isnan(value) || (best != 0 && !better))
            continue;
        best = i;
        best_value = value;
    }
    return best;
}

static std::string text_of(double value, int digits) {
    if (std::isnan(value))
        return "-";
    char text[32];
    snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

static std::string cell(const std::string &text) {
    return " " + text + " |";
}

static std::string row_text(const Table &table, const Row &row) {
    std::string text = "|" + cell(row.title);
    for (const std::vector<double> &values : row.values)
        text += cell(text_of(median(values), row.digits));
    if (has_floor(table))
        text += cell(text_of(ratio(row, first, lowest), 2));
    size_t peer = best_peer(table, row);
    if (peer == 0)
        return text + cell("-") + "\n";
    return text +
           cell(text_of(ratio(row, first, peer), 2) + " " + table.names[peer]) +
           "\n";
}

std::string markdown(const Table &table) {
    std::string text = table.heading + "\n\n|" + cell("median");
    std::string rule = "|---|";
    for (const std::string &name : table.names) {
        text += cell(name);
        rule += "---:|";
    }
    if (has_floor(table)) {
        text += cell("to floor");
        rule += "---:|";
    }
    text += cell("to best peer") + "\n" + rule + "---:|\n";
    for (const Row &row : table.rows)
        text += row_text(table, row);
    return text;
}

std::string chart_data(const Table &table) {
    std::string text = "row";
    for (const std::string &name : table.names)
        text += " " + name;
    for (const Row &row : table.rows) {
        text += "\n\"" + row.title + "\"";
        for (size_t i = 0; i < table.names.size(); i++) {
            std::string value = text_of(ratio(row, i, lowest), 3);
            text += " " + (value == "-" ? "?" : value);
        }
    }
    return text + "\n";
}
