#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks .clusterfuzzlite/build.sh without a container. Runs it as OSS-Fuzz's
# builder does, moves the results elsewhere, removes the rest, and checks each
# target as OSS-Fuzz does: that its seeds and other files are there, that its
# sanitizer is linked in, that it passes its seeds, in / and without /dev, and
# that the engine sees enough of its edges; of a build for coverage, that its
# seeds make a profile. Prints a line per check; fails if any failed.
# usage: check-build.sh [SANITIZER...]
#        from address, undefined, memory and coverage; default: all
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- address undefined memory coverage

least_edges=100 # with fewer, OSS-Fuzz considers a build not instrumented

# Folders with a space, because the builder's may have one.
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
trap 'exit 1' HUP INT TERM
log=$top/log
failed=0

check() { # WHAT COMMAND...
    what=$1
    shift
    if "$@" >"$log" 2>&1 </dev/null; then
        echo "ok: $what"
    else
        echo "FAILED: $what"
        tail -n 40 "$log"
        failed=$((failed + 1))
    fi
}

# ---- the builder ------------------------------------------------------------

# Its flags, as far as clang 14 knows them. The current images are newer, and
# add only names of warnings that are not errors.
common_flags='-O1 -fno-omit-frame-pointer -gline-tables-only'
common_flags="$common_flags -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
watched=-fsanitize=fuzzer-no-link
fatal=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null
fatal=$fatal,object-size,return,returns-nonnull-attribute,shift
fatal=$fatal,signed-integer-overflow,unreachable,vla-bound,vptr

sanitizer_flags() { # SANITIZER
    case $1 in
    address)
        echo "$watched -fsanitize=address -fsanitize-address-use-after-scope"
        ;;
    undefined)
        # Unsigned wrap-around is reported, but not fatal.
        echo "$watched -fsanitize=$fatal,unsigned-integer-overflow" \
            "-fno-sanitize-recover=$fatal"
        ;;
    memory)
        echo "$watched -fsanitize=memory -fsanitize-memory-track-origins"
        ;;
    coverage)
        echo '-fprofile-instr-generate -fcoverage-mapping -pthread' \
            '-Wl,--no-as-needed -Wl,-ldl -Wl,-lm' \
            -Wno-unused-command-line-argument
        ;;
    esac
}

# Debian's engine was built with the other C++ library, which therefore must be
# linked too.
engine='-fsanitize=fuzzer -Wl,-lstdc++'

build() ( # SANITIZER: into "$top/the builder"
    SRC="$top/the builder/src"
    mkdir -p "$SRC/echo_mp" "$top/the builder/work" "$top/the builder/out"
    for part in .clusterfuzzlite fuzz man meson.build meson_options.txt src \
        tests; do
        cp -R "$source/$part" "$SRC/echo_mp/"
    done
    cp "$source/.clusterfuzzlite/build.sh" "$SRC/"
    CFLAGS="$common_flags $(sanitizer_flags "$1")"
    cd "$SRC/echo_mp"
    # Not this script's own environment.
    env -i PATH="$PATH" HOME="$top" LANG=C \
        CC=clang CFLAGS="$CFLAGS" \
        CXX=clang++ CXXFLAGS="$CFLAGS -stdlib=libc++" \
        FUZZING_ENGINE=libfuzzer LIB_FUZZING_ENGINE="$engine" \
        SANITIZER="$1" SRC="$SRC" WORK="$top/the builder/work" \
        OUT="$top/the builder/out" bash -eu "$SRC/build.sh"
)

# ---- a target ---------------------------------------------------------------

# The seeds in the archive, and the other files, are those of the source.
files_there() { # TARGET NAME
    mkdir "$top/seeds" &&
        python3 -m zipfile -e "$1_seed_corpus.zip" "$top/seeds" &&
        diff -r "$source/fuzz/corpus/$2" "$top/seeds" || return 1
    for kind in dict options; do
        [ ! -e "$source/fuzz/$2.$kind" ] ||
            cmp "$source/fuzz/$2.$kind" "$1.$kind" || return 1
    done
}

without_devices() { # COMMAND...: with an empty /dev, in /
    # The inner shell expands its own variables.
    # shellcheck disable=SC2016,SC2086
    unshare $as_root --mount \
        sh -c 'mount -t tmpfs none /dev && cd / && exec "$@"' sh "$@"
}

# The runner's options that change how a target runs; not the one that silences
# unsigned wrap-around, which would slow the target down.
asan_options=allocator_may_return_null=1:detect_stack_use_after_return=1
asan_options=$asan_options:handle_abort=1:handle_sigill=1:strict_memcmp=1

seeds_pass() { # TARGET RUNS
    target=$1
    set -- -seed=1337 "-runs=$2" "$top/seeds"
    [ ! -f "$target.dict" ] || set -- "-dict=$target.dict" "$@"
    $inside env -i PATH="$PATH" HOME="$top" \
        ASAN_OPTIONS="$asan_options" UBSAN_OPTIONS=print_stacktrace=1 \
        LLVM_PROFILE_FILE="$top/profile" "$target" "$@" >"$top/said" 2>&1
    status=$?
    cat "$top/said"
    [ "$status" = 0 ] && ! grep -q 'runtime error' "$top/said"
}

# One that was dropped from the flags would not be missed otherwise.
sanitizer_inside() { # SANITIZER TARGET
    case $1 in
    address) grep __asan_init "$2" ;;
    undefined) grep __ubsan_handle "$2" ;;
    memory) grep __msan_init "$2" ;;
    esac
}

edges_enough() { # in what it has said
    line='^INFO: Loaded .* (\([0-9]*\) inline 8-bit counters.*'
    edges=$(sed -n "s/$line/\1/p" "$top/said")
    echo "${edges:-no} edges, not $least_edges"
    [ "${edges:-0}" -ge "$least_edges" ]
}

profile_written() { # TARGET
    llvm-profdata merge -o "$top/profdata" "$top/profile" &&
        llvm-cov report "$1" -instr-profile "$top/profdata" >"$top/said" &&
        cat "$top/said" &&
        ! grep -q '^TOTAL.* 0\.00%' "$top/said"
}

# ---- all of them ------------------------------------------------------------

as_root=
[ "$(id -u)" = 0 ] || as_root=--map-root-user
inside=without_devices
if ! without_devices sh -c '! [ -e /dev/null ]' >"$log" 2>&1; then
    echo "skipped: targets without /dev: $(tail -n 1 "$log")"
    inside=
fi

for sanitizer; do
    out=$top/elsewhere
    check "$sanitizer: build.sh" build "$sanitizer"
    mv "$top/the builder/out" "$out"
    rm -rf "$top/the builder"
    for corpus in "$source"/fuzz/corpus/*/; do
        name=$(basename "$corpus")
        target=$out/fuzz-$name
        of="$sanitizer: fuzz-$name"
        check "$of: its files" files_there "$target" "$name"
        if [ "$sanitizer" = coverage ]; then
            check "$of: its seeds pass" seeds_pass "$target" 0
            check "$of: a profile of its seeds" profile_written "$target"
        else
            check "$of: the sanitizer" sanitizer_inside "$sanitizer" "$target"
            check "$of: its seeds pass" seeds_pass "$target" 4
            check "$of: $least_edges edges" edges_enough
        fi
        rm -rf "$top/seeds" "$top/said" "$top/profile"
    done
    rm -rf "$out"
done
[ "$failed" = 0 ]
