#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Verifies accept_loop.pml with SPIN: its server has the names of the code,
each property holds in every state, and in each mutant of mutants.txt SPIN
refutes the property that the mutant's first line names. Tells the steps of a
refutation where there should be none, and for a mutant that is asked for.

usage: check-model.py SOURCE [MUTANT]"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

source = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, str(source / 'fuzz/scripts'))
from mutants import mutate_all, read_table

model = source / 'tests/model/accept_loop.pml'
text = model.read_text()
formulas = re.findall(r'^ltl (\w+)', text, re.M)
assertion = re.compile(r'assert\(.*/\* (\w+) \*/')


def strangers():
    """Tells what only the model's server has, or only the accept loop."""
    code = {path.name: path.read_text() for room in ('common', 'server')
            for path in (source / 'src' / room).glob('*.cpp')}
    words = set(re.findall(r'\w+', ' '.join(code.values())))
    server = text[text.index('---- the server'):]
    names = re.findall(r'^(?:inline|#define|active proctype) (\w+)', server,
                       re.M)
    names += re.findall(r'^mtype:moment (\w+)', text, re.M)
    for variables in re.findall(r'^(?:bool|byte) (.*?);', server, re.M):
        names += re.findall(r'\w+', re.sub(r' = \w+', '', variables))
    for name in names:
        if name not in words:
            yield f'{model.name} has {name}, which is gone from src/'
    for file in ('serve.cpp', 'events.cpp'):
        for name in re.findall(r'^\w[^(;]* \*?(\w+)\([^;{]*\) \{$', code[file],
                               re.M):
            if not re.search(rf'\b{name}\b', text):
                yield f'{file} has {name}(), which {model.name} lacks'


class Verifier:
    """Looks for what refutes a formula, or any of the assertions."""

    def __init__(self, folder, promela, formula, *words):
        folder.mkdir()
        self.folder = folder
        self.formula = formula
        # _last makes more states, also in a formula that is not looked at.
        promela = re.sub(r'^ltl (\w+) \{.*?\}\n', lambda ltl: ltl[0] * (
            ltl[1] == formula), promela, flags=re.M | re.S)
        self.lines = promela.split('\n')
        (folder / 'model').write_text(promela)
        self.run('spin', '-a', 'model')
        self.run('gcc', '-DNFAIR=3' if formula else '-DSAFETY', *words,
                 '-o', 'pan', 'pan.c')

    def run(self, *words):
        result = subprocess.run(words, cwd=self.folder, text=True,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        if result.returncode != 0:
            raise ValueError(f'{" ".join(words)}: {result.stdout}')
        return result.stdout

    def search(self, *words):
        """Returns what is refuted, or None; how large the search was; and the
        story of the refutation."""
        if self.formula:
            words += ('-A', '-a')
            if self.formula != 'sleeps':
                words += ('-f',)  # weak fairness
        log = self.run('./pan', '-m1000000', *words)
        steps = re.findall(r'at depth (\d+)', log)
        if steps:
            story = self.run('spin', '-t', '-T', 'model')
            line = re.search(r'model:(\d+), Error: assertion', story)
            refuted = self.formula or assertion.search(
                self.lines[int(line[1]) - 1])[1]
            return refuted, f'{steps[-1]} steps', story.split('spin: ')[0]
        whole = re.search(r'depth reached (\d+), errors: 0\n *(\d+) states',
                          log)
        if not whole or re.search('not completed|too small', log):
            raise ValueError(f'{log}The search was cut short.')
        if not (self.formula or
                re.search(r'unreached in proctype serve\n\t\(0 of', log)):
            raise ValueError(f'{log}The server never takes some of its steps.')
        return None, f'{whole[2]} states, depth {whole[1]}', ''


def judge(folder, name, expected, promela, told):
    """Whether in the mutant NAME the property EXPECTED is refuted; or, where
    none is expected, nothing refutes NAME in the model. With what to print."""
    target = expected or name
    formula = target if target in formulas else None
    words = ['-O0' if expected else '-Og']
    if expected and not formula:
        words.append('-DBFS')  # the way found by breadth is a shortest one
    try:
        verifier = Verifier(folder / name, promela, formula, *words)
        # -i goes on, for a short story.
        refuted, size, story = verifier.search(
            *['-i'] * bool(told and formula))
    except ValueError as error:
        return False, f'{error}\n{name}: not verified'
    line = f'{name}: {f"{refuted} refuted, " if refuted else "holds, "}{size}'
    good = refuted == expected
    return good, line if good and not told else f'{story}{line}'


def main():
    for tool in ('spin', 'gcc'):
        if not shutil.which(tool):
            print(f'skipped: no {tool}')
            sys.exit(77)
    named = sys.argv[2:]
    mutants = read_table(model.with_name('mutants.txt'))
    texts = mutate_all(mutants, model.parent)
    broken = {mutant.word for mutant in mutants}
    errors = [*strangers(), *(f'{name} is broken by no mutant' for name
                              in (*formulas, *assertion.findall(text))
                              if name not in broken)]
    jobs = [(name, None, text) for name in ('assertions', *formulas)
            if not named]
    jobs += [(mutant.name, mutant.word, texts[mutant.name])
             for mutant in mutants if mutant.name in (named or texts)]
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for good, words in pool.map(lambda job: judge(
                pathlib.Path(folder), *job, named), jobs):
            print(words, flush=True)
            errors += [] if good else [words.splitlines()[-1]]
    print(f'{len(jobs)} searches, {len(errors)} errors', *errors, sep='\n')
    sys.exit(bool(errors))


# On a time-out, removes the folder and searches no more.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
