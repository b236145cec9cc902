#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves a fuzz target: builds it with each mutant listed in
mutants/TARGET.txt, and runs it over its corpus. An oracle must stop every
mutant, and the target without one must pass. A mutant that hangs, exits or
crashes has not been caught. README.md explains the tables.

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
    return mutants


def mutate(mutant, src):
    """Returns the text of the mutant's file with its edits."""
    text = (src / mutant.file).read_text()
    for old, new in mutant.edits:
        old = '\n'.join(old)
        if text.count(old) != 1:
            sys.exit(f'{mutant.name}: {text.count(old)} times, not once, in '
                     f'src/{mutant.file}: {old}')
        text = text.replace(old, '\n'.join(new))
    return text


def mutate_all(mutants, src):
    """Returns the texts by the mutants' names."""
    texts = {mutant.name: mutate(mutant, src) for mutant in mutants}
    if not texts:
        sys.exit('no mutants')
    if len(texts) < len(mutants):
        sys.exit('two mutants have the same name')
    return texts


class Target:
    def __init__(self, folder, name, compiler, words, build):
        self.src = folder.parent / 'src'
        self.corpus = folder / 'corpus' / name
        self.compiler = compiler + [
            '-std=c++20', '-O0', '-fno-exceptions', '-fno-rtti',
            '-D_FILE_OFFSET_BITS=64', f'-I{self.src}', f'-I{folder}',
            f'-I{folder.parent}/tests']
        self.build = build
        objects = [self.compile(source.name, source, source.read_text())
                   for source in (folder / 'main.cpp',
                                  folder / f'{name}.cpp')]
        self.words = objects + words

    def run_compiler(self, name, *words, **options):
        """Returns what it has made; throws CalledProcessError."""
        result = self.build / name
        subprocess.run(self.compiler + ['-o', result, *words], check=True,
                       text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, **options)
        return result

    def compile(self, name, source, text):
        """Compiles the text in place of the source. Returns the object."""
        return self.run_compiler(f'{name}.o', '-x', 'c++', '-c', '-',
                                 input=text, cwd=source.parent)

    def run(self, name, *objects):
        """Runs over the corpus. Returns the status and the log. The objects
        replace those of the archives."""
        program = self.run_compiler(name, *objects, *self.words)
        done = subprocess.run([program, self.corpus], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors='replace', timeout=most_seconds)
        program.unlink()
        return done.returncode, done.stdout


def judge(target, mutant, text):
    """Returns whether the mutant was caught, and a line about it."""
    try:
        wrong = target.compile(mutant.name, target.src / mutant.file, text)
        status, log = target.run(mutant.name, wrong)
    except subprocess.CalledProcessError as failure:
        return False, f'{mutant.name}: DOES NOT BUILD\n{failure.stdout}'
    except subprocess.TimeoutExpired:
        return False, f'{mutant.name}: NOT CAUGHT, no end in {most_seconds} s'
    if 'this rule is broken' not in log:
        return False, f'{mutant.name}: NOT CAUGHT, status {status}'
    # The last input in the log is the one that caught it.
    inputs = re.findall(f'^{re.escape(str(target.corpus))}/(.*)$', log, re.M)
    return True, f'{mutant.name}: {inputs[-1]}'


def prove(folder, name, compiler, words, build):
    """Prints a line per mutant. Returns whether all were caught."""
    mutants = read_table(folder / 'mutants' / f'{name}.txt')
    texts = mutate_all(mutants, folder.parent / 'src')
    try:
        target = Target(folder, name, compiler, words, build)
        status, log = target.run(name)
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
    return caught == len(mutants)


def main():
    if sys.argv[1] == '--text':
        src = pathlib.Path(__file__).resolve().parents[2] / 'src'
        for mutant in read_table(pathlib.Path(sys.argv[2])):
            if mutant.name == sys.argv[3]:
                print(mutate(mutant, src), end='')
        return
    folder = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as build:
        if not prove(folder, sys.argv[2], sys.argv[3].split(), sys.argv[4:],
                     pathlib.Path(build)):
            sys.exit(1)


if __name__ == '__main__':
    # On a time-out, removes the folder and builds nothing more.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
