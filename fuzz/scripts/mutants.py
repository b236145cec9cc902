#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves a fuzz target: builds it with each mutant listed in
mutants/TARGET.txt, and runs it over its corpus. An oracle must stop every
mutant, and the target without one must pass. A mutant that hangs or exits has
not been caught. README.md explains the tables.

usage: mutants.py FUZZ-FOLDER TARGET COMPILER WORD...
       mutants.py --text TABLE NAME
COMPILER may be several words; WORDs are for the link: the archives of src/ and
of what the targets share, and options. --text prints the file with the mistake
NAME in it."""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

most_seconds = 60


class Mutant:
    def __init__(self, name, file, word):
        self.name = name
        self.file = file  # below src/
        self.word = word  # the third of its first line, if there is one
        self.edits = []  # pairs: lines of old text, lines of new text


def read_table(path):
    mutants = []
    edit = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        header = re.fullmatch(r'([\w-]+): (\S+)(?: (\w+))?', line)
        if not line or line.startswith('#'):
            edit = None
        elif header:
            mutants.append(Mutant(*header.groups()))
            edit = None
        elif re.match(r'-( |$)', line) and mutants:
            if edit is None or edit[1]:
                edit = ([], [])
                mutants[-1].edits.append(edit)
            edit[0].append(line[2:])
        elif re.match(r'\+( |$)', line) and edit:
            edit[1].append(line[2:])
        else:
            sys.exit(f'{path}:{number}: neither a mutant nor an edit: {line}')
    if not mutants:
        sys.exit(f'{path}: no mutants')
    return mutants


def mutate(mutant, src):
    """Returns the text of the mutant's file with its edits."""
    path = src / mutant.file
    if not path.is_file():
        raise ValueError(f'{mutant.name}: no file src/{mutant.file}')
    if not mutant.edits:
        raise ValueError(f'{mutant.name}: no edit')
    text = path.read_text()
    for old, new in mutant.edits:
        old = '\n'.join(old)
        count = text.count(old)
        if count != 1:
            raise ValueError(f'{mutant.name}: {count} times, not once, in '
                             f'src/{mutant.file}: {old}')
        text = text.replace(old, '\n'.join(new))
    return text


def mutate_all(mutants, src):
    """Returns the texts by the mutants' names, or reports all errors."""
    texts = {}
    errors = []
    for mutant in mutants:
        if mutant.name in texts:
            errors.append(f'{mutant.name}: the name of two mutants')
        texts[mutant.name] = None
        try:
            texts[mutant.name] = mutate(mutant, src)
        except ValueError as error:
            errors.append(str(error))
    if errors:
        sys.exit('\n'.join(errors))
    return texts


class Target:
    def __init__(self, folder, name, compiler, words, build):
        self.src = folder.parent / 'src'
        self.folder = folder
        self.corpus = folder / 'corpus' / name
        self.compiler = compiler
        self.words = words
        self.build = build
        self.objects = [self.compile(source.name, source, source.read_text())
                        for source in (folder / 'main.cpp',
                                       folder / f'{name}.cpp')]

    def command(self, words, **options):
        subprocess.run(self.compiler + words, check=True, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       **options)

    def compile(self, name, source, text):
        """Compiles the text in place of the source. Returns the object."""
        result = self.build / f'{name}.o'
        self.command(['-std=c++20', '-O0', '-fno-exceptions', '-fno-rtti',
                      '-D_FILE_OFFSET_BITS=64', f'-I{self.src}',
                      f'-I{self.folder}', f'-I{self.src.parent}/tests',
                      '-x', 'c++', '-c', '-o', result, '-'],
                     input=text, cwd=source.parent)
        return result

    def run(self, name, objects):
        """Runs over the corpus. Returns the status, None after a time-out, and
        the log. The objects replace those of the archives."""
        program = self.build / name
        self.command(['-o', program] + self.objects + objects + self.words)
        with open(self.build / f'{name}.log', 'w+', errors='replace') as log:
            try:
                status = subprocess.run([program, self.corpus], stdout=log,
                                        stderr=log,
                                        timeout=most_seconds).returncode
            except subprocess.TimeoutExpired:
                status = None
            program.unlink()
            log.seek(0)
            return status, log.read()


def judge(target, mutant, text):
    """Returns whether the mutant was caught, and a line about it."""
    try:
        wrong = target.compile(mutant.name, target.src / mutant.file, text)
        status, log = target.run(mutant.name, [wrong])
    except subprocess.CalledProcessError as failure:
        return False, f'{mutant.name}: DOES NOT BUILD\n{failure.stdout}'
    if status is None:
        return False, f'{mutant.name}: NOT CAUGHT, no end in {most_seconds} s'
    if status >= 0:
        return False, f'{mutant.name}: NOT CAUGHT, status {status}'
    # The last input in the log is the one that caught it.
    inputs = re.findall(f'^{re.escape(str(target.corpus))}/(.*)$', log, re.M)
    killer = inputs[-1] if inputs else 'no input was begun'
    return True, f'{mutant.name}: {killer}'


def print_text(table, name):
    src = pathlib.Path(__file__).resolve().parents[2] / 'src'
    for mutant in read_table(pathlib.Path(table)):
        if mutant.name == name:
            print(mutate_all([mutant], src)[name], end='')


def main():
    if sys.argv[1] == '--text':
        print_text(*sys.argv[2:])
        return
    folder = pathlib.Path(sys.argv[1]).resolve()
    name = sys.argv[2]
    mutants = read_table(folder / 'mutants' / f'{name}.txt')
    texts = mutate_all(mutants, folder.parent / 'src')
    with tempfile.TemporaryDirectory() as build:
        try:
            target = Target(folder, name, sys.argv[3].split(), sys.argv[4:],
                            pathlib.Path(build))
            status, log = target.run(name, [])
        except subprocess.CalledProcessError as failure:
            sys.exit(failure.stdout)
        if status != 0:
            sys.exit(f'{log}\n{name}: fails without a mistake')
        caught = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for good, line in pool.map(
                    lambda mutant: judge(target, mutant, texts[mutant.name]),
                    mutants):
                caught += good
                print(line, flush=True)
    print(f'{name}: {caught} of {len(mutants)} mutants caught')
    sys.exit(caught != len(mutants))


if __name__ == '__main__':
    # On a time-out, removes the folder and builds nothing more.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
