// SPDX-License-Identifier: MIT
// naive_options - a second getopt_long(3).
#include <string.h>

#include "models/naive_options.h"

// OPTION is null for none. ATTACHED is the argument that stands in its word.
static int found_option(struct naive_line *line,
                        const struct naive_option *option,
                        const char *attached) {
    line->argument = attached;
    if (option == nullptr)
        return '?';
    if (!option->takes_argument)
        return attached == nullptr ? option->letter : '?';
    if (attached == nullptr && line->next == line->word_count)
        return ':';
    if (attached == nullptr)
        line->argument = line->words[line->next++];
    return option->letter;
}

static void name_letter(struct naive_line *line, char letter) {
    line->letter_name[0] = '-';
    line->letter_name[1] = letter;
    line->named = line->letter_name;
}

static int next_letter(struct naive_line *line) {
    const struct naive_option *option = nullptr;
    char letter = *line->cluster++;
    for (int i = 0; i < line->option_count; i++)
        if (line->options[i].letter == letter)
            option = &line->options[i];
    name_letter(line, letter);
    const char *attached = nullptr;
    if (option != nullptr && option->takes_argument && *line->cluster != '\0')
        attached = line->cluster;
    if (attached != nullptr || *line->cluster == '\0')
        line->cluster = nullptr;
    return found_option(line, option, attached);
}

// A long option may be cut short, to nothing even, as long as it is the only
// one that begins so. A known one is named by its letter.
static int long_option(struct naive_line *line, const char *word) {
    const struct naive_option *option = nullptr;
    const char *equals = strchrnul(word, '=');
    size_t size = static_cast<size_t>(equals - word);
    int matches = 0;
    for (int i = 0; i < line->option_count; i++) {
        const char *name = line->options[i].name;
        if (strncmp(name, word, size) != 0)
            continue;
        option = &line->options[i];
        matches++;
        if (strlen(name) == size) {
            matches = 1;
            break;
        }
    }
    if (matches != 1)
        return found_option(line, nullptr, nullptr);
    name_letter(line, option->letter);
    return found_option(line, option, *equals == '=' ? equals + 1 : nullptr);
}

int naive_next_option(struct naive_line *line) {
    if (line->cluster != nullptr)
        return next_letter(line);
    while (line->next < line->word_count) {
        char *word = line->words[line->next++];
        if (line->options_end || word[0] != '-' || word[1] == '\0') {
            line->operands[line->operand_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            line->options_end = true;
        } else if (word[1] == '-') {
            line->named = word;
            return long_option(line, word + 2);
        } else {
            line->cluster = word + 1;
            return next_letter(line);
        }
    }
    return 0;
}
