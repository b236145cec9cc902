#!/bin/sh
# SPDX-License-Identifier: MIT
# The workflows have only read access to the project, and pin what they run by
# content: actions by commit, images by digest, Python packages by hash.
# usage: check-workflows.sh SOURCE
set -eu
cd "$1"
[ -d .github/workflows ] || {
    echo 'skipped: this copy of the source has no workflows'
    exit 77
}
set -- .github/workflows/*.yml

none() { # WHY: standard input must be empty
    ! grep . >&2 || {
        echo "$1" >&2
        exit 1
    }
}

grep -L '^  contents: read$' "$@" | none 'these lack contents: read'
grep -nE 'write|read-all' "$@" | none 'these ask for write or read-all'
grep -n 'uses:' "$@" | grep -vE '@[0-9a-f]{40} ' |
    none 'these actions are not named by commit'
grep -nE '(debian|ubuntu):' "$@" | grep -vE '@sha256:[0-9a-f]{64}$' |
    none 'these images are not named by digest'
grep -nE 'pip3? install' .clusterfuzzlite/Dockerfile |
    grep -v -e --require-hashes | none 'these packages are not named by hash'
