#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The mutation score of src/: makes one small change after another, at random,
and runs the quick suites. A change that none of them notices has survived: a
test is missing, or the change makes no difference. What does not compile does
not count. Works on a copy of the source folder.

usage: score.py [-n COUNT] [-s SEED] [FILE...]
COUNT 0 makes every change there is. FILEs are below src/; all by default."""

import argparse
import collections
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

source = pathlib.Path(__file__).resolve().parents[2]
suites = ('fuzz', 'unit', 'system', 'audit')  # the fastest first
left_out = ('mutants', 'mpaudit', 'timing', 'script')
programs = [f'src/{path.stem}' for path in (source / 'src').glob('*.cpp')]
most_seconds = 600

turned = {'==': '!=', '!=': '==', '<': '<=', '<=': '<', '>': '>=', '>=': '>',
          '&&': '||', '||': '&&', '+': '-', '-': '+', '++': '--', '--': '++',
          '+=': '-=', '-=': '+=', 'true': 'false', 'false': 'true'}
operator = re.compile(r' (?:[=!<>]=|[<>]|&&|\|\||[-+]=?) '
                      r'|\+\+|--|\b(?:true|false)\b')
constant = re.compile(r'(?<![\w.%"])\d+(?![\w."])')
# A statement of its own line: a call, an assignment, or what leaves a block.
statement = re.compile(r'^\s+(?!return\b|case\b|default\b|using\b)'
                       r'(?:\(void\))?[\w>.\[\]*-]+(?:\(.*\)| [-+|]?= .*|\+\+|'
                       r'--)?;(?:\s*//.*)?$')
label = re.compile(r'^\s+case \w+:')


def changes_of(line):
    """Yields the changed lines that a line can become."""
    code = line.split('//')[0]
    if re.match(r'\s*(#|//|\*|static_assert)', line) or not code.strip():
        return
    if statement.match(line) and not re.match(r'\s+\w+;', line) \
            or line.strip() == 'break;' or label.match(line):
        yield ''
    for found in operator.finditer(code):
        if code.count('"', 0, found.start()) % 2 == 0:
            word = found[0].strip()
            yield (line[:found.start()] + found[0].replace(word, turned[word])
                   + line[found.end():])
    for found in constant.finditer(code):
        if code.count('"', 0, found.start()) % 2 == 0:
            yield (line[:found.start()] + str(int(found[0]) + 1)
                   + line[found.end():])


def all_changes(files):
    for file in files:
        for number, line in enumerate(file.read_text().splitlines()):
            for changed in changes_of(line):
                yield file, number, line, changed


def run(*words):
    # On timeout's SIGTERM, Meson ends its tests.
    return subprocess.run(('timeout', str(most_seconds), *words), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def killer(build):
    """Returns what noticed the change; None if nothing did."""
    # `meson test` builds only what a suite needs.
    if status := run('ninja', '-C', build, *programs).returncode:
        return 'timeout' if status == 124 else 'compiler'
    for suite in suites:
        words = ['meson', 'test', '-C', build, '--maxfail', '1',
                 '--num-processes', '6', '--suite', suite]
        for other in left_out:
            words += ['--no-suite', other]
        if status := run(*words).returncode:
            return 'timeout' if status == 124 else suite
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('-n', type=int, default=20, metavar='COUNT')
    parser.add_argument('-s', type=int, default=None, metavar='SEED')
    parser.add_argument('files', nargs='*', metavar='FILE')
    arguments = parser.parse_args()
    seed = arguments.s if arguments.s is not None else random.randrange(10**6)
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / 'source'
        build = pathlib.Path(folder) / 'build'
        shutil.copytree(source, copy,
                        ignore=shutil.ignore_patterns('.git', 'build*'))
        src = copy / 'src'
        files = [src / name for name in arguments.files] or \
            sorted(src.rglob('*.cpp'))
        changes = list(all_changes(files))
        random.Random(seed).shuffle(changes)
        changes = changes[:arguments.n or None]
        run('meson', 'setup', '-Dtests=enabled', '-Dman=disabled', build, copy)
        if why := killer(build):
            raise SystemExit(f'without a change: the {why} fails')
        print(f'{len(changes)} changes, seed {seed}')
        counts = collections.Counter()
        for file, number, line, changed in changes:
            before = file.read_text()
            lines = before.splitlines(keepends=True)
            lines[number] = changed + '\n'
            file.write_text(''.join(lines))
            why = killer(build)
            file.write_text(before)
            counts[why] += 1
            print(f'{file.relative_to(src)}:{number + 1}: '
                  f'{why or "SURVIVED"}: {line.strip()} -> '
                  f'{changed.strip() or "nothing"}', flush=True)
    compiled = counts.total() - counts['compiler']
    print(f'{compiled - counts[None]} of {compiled} noticed')


main()
