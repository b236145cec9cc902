#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks .clusterfuzzlite/build.sh without a container. Runs it as OSS-Fuzz's
# builder does, moves the results elsewhere, removes the rest, and makes
# OSS-Fuzz's checks of a build, and some more. Prints a line per check; fails if
# any failed.
# usage: check-build.sh [SANITIZER...]
#        from address, undefined, memory and coverage; default: all
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- address undefined memory coverage

least_edges=100 # with fewer, OSS-Fuzz considers a build not instrumented
runs=4          # that OSS-Fuzz makes a target survive

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
common_flags='-O1 -fno-omit-frame-pointer -gline-tables-only
    -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION'
fatal=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null
fatal=$fatal,object-size,return,returns-nonnull-attribute,shift
fatal=$fatal,signed-integer-overflow,unreachable,vla-bound,vptr

sanitizer_flags() { # SANITIZER
    case $1 in
    address)
        echo '-fsanitize=address -fsanitize-address-use-after-scope'
        ;;
    undefined)
        # Unsigned wrap-around is reported, but not fatal.
        echo "-fsanitize=$fatal,unsigned-integer-overflow" \
            "-fno-sanitize-recover=$fatal"
        ;;
    memory)
        echo '-fsanitize=memory -fsanitize-memory-track-origins'
        ;;
    esac
}

engine_flags() { # SANITIZER: for the code that the engine watches
    if [ "$1" = coverage ]; then
        echo '-fprofile-instr-generate -fcoverage-mapping -pthread' \
            '-Wl,--no-as-needed -Wl,-ldl -Wl,-lm' \
            -Wno-unused-command-line-argument
    else
        echo -fsanitize=fuzzer-no-link
    fi
}

# A flag or a file, because both must work. Debian's engine was built with the
# other C++ library, which therefore must be linked too.
engine() { # SANITIZER
    if [ "$1" = undefined ]; then
        echo "$(clang++ -print-runtime-dir)/libclang_rt.fuzzer-$(uname -m).a" \
            -Wl,-lstdc++
    else
        echo -fsanitize=fuzzer -Wl,-lstdc++
    fi
}

build() ( # SANITIZER: into "$top/the builder"
    SRC="$top/the builder/src"
    mkdir -p "$SRC/echo_mp" "$top/the builder/work" "$top/the builder/out"
    for part in .clusterfuzzlite fuzz man meson.build meson_options.txt src \
        tests; do
        cp -R "$source/$part" "$SRC/echo_mp/"
    done
    cp "$source/.clusterfuzzlite/build.sh" "$SRC/"
    # $common_flags over several lines are one.
    # shellcheck disable=SC2086,SC2116
    CFLAGS="$(echo $common_flags) $(sanitizer_flags "$1") $(engine_flags "$1")"
    cd "$SRC/echo_mp"
    # Not this script's own environment.
    env -i PATH="$PATH" HOME="$top" LANG=C \
        CC=clang CFLAGS="$CFLAGS" \
        CXX=clang++ CXXFLAGS="$CFLAGS -stdlib=libc++" \
        FUZZING_ENGINE=libfuzzer LIB_FUZZING_ENGINE="$(engine "$1")" \
        SANITIZER="$1" SRC="$SRC" WORK="$top/the builder/work" \
        OUT="$top/the builder/out" bash -eu "$SRC/build.sh"
)

# ---- the results ------------------------------------------------------------

all_targets_there() { # OUT
    for corpus in "$source"/fuzz/corpus/*/; do
        target=$1/fuzz-$(basename "$corpus")
        if ! [ -x "$target" ] ||
            ! grep -q LLVMFuzzerTestOneInput "$target"; then
            echo "no target: $target"
            return 1
        fi
    done
    for target in "$1"/*; do
        [ -x "$target" ] || continue
        if basename "$target" | grep -q '[^A-Za-z0-9_-]'; then
            echo "no name for a target: $target"
            return 1
        fi
    done
}

seeds_there() { # TARGET CORPUS SEEDS: the same files in the archive
    mkdir "$3" &&
        python3 -m zipfile -e "$1_seed_corpus.zip" "$3" &&
        [ -n "$(ls "$3")" ] &&
        diff -r "$2" "$3"
}

files_there() { # TARGET NAME: those the source has for it, as they are
    for kind in dict options; do
        if [ -f "$source/fuzz/$2.$kind" ] || [ -e "$1.$kind" ]; then
            cmp "$source/fuzz/$2.$kind" "$1.$kind" || return 1
        fi
    done
}

# Counts calls of the run-time library within OSS-Fuzz's limits, except that it
# requires 168 of UBSan's, because its own library makes 165 by itself; Debian's
# makes hardly any.
sanitizer_inside() { # TARGET SANITIZER
    objdump -d --no-show-raw-insn "$1" >"$top/code"
    asan=$(grep -c 'call .*<__asan' "$top/code") || :
    msan=$(grep -c 'call .*<__msan' "$top/code") || :
    ubsan=$(grep -c 'call .*<__ubsan' "$top/code") || :
    echo "calls: asan $asan, msan $msan, ubsan $ubsan"
    case $2 in
    address)
        [ "$asan" -ge 1000 ] && [ "$msan" -le 3 ] && [ "$ubsan" -le 200 ]
        ;;
    undefined)
        [ "$asan" = 0 ] && [ "$msan" -le 3 ] && [ "$ubsan" -ge 20 ]
        ;;
    memory)
        [ "$asan" = 0 ] && [ "$msan" -ge 1000 ] && [ "$ubsan" -le 200 ]
        ;;
    esac
}

# ---- running a target -------------------------------------------------------

# The runner's options that change how a target runs; not the one that silences
# unsigned wrap-around, which would slow the target down.
asan_options=allocator_may_return_null=1:detect_stack_use_after_return=1
asan_options=$asan_options:handle_abort=1:handle_sigill=1:strict_memcmp=1

run() { # WRAPPER COMMAND...
    wrapper=$1
    shift
    # $wrapper is one word or none.
    # shellcheck disable=SC2086
    $wrapper env -i PATH="$PATH" HOME="$top" \
        ASAN_OPTIONS="$asan_options" UBSAN_OPTIONS=print_stacktrace=1 \
        LLVM_PROFILE_FILE="$top/profile/%p.profraw" "$@"
}

without_devices() { # COMMAND...: with an empty /dev, in /
    # The inner shell expands its own variables.
    # shellcheck disable=SC2016,SC2086
    unshare $as_root --mount \
        sh -c 'mount -t tmpfs none /dev && cd / && exec "$@"' sh "$@"
}

starts() { # TARGET
    run without_devices "$1" -seed=1337 "-runs=$runs" >"$top/start" 2>&1
    status=$?
    cat "$top/start"
    [ "$status" = 0 ] && grep -q "^Done $runs runs" "$top/start"
}

edges_enough() { # what a start has printed
    line='^INFO: Loaded .* (\([0-9]*\) inline 8-bit counters.*'
    edges=$(sed -n "s/$line/\1/p" "$top/start")
    echo "${edges:-no} edges, not $least_edges"
    [ "${edges:-0}" -ge "$least_edges" ]
}

seeds_pass() { # TARGET FOLDER WORD...
    target=$1
    folder=$2
    shift 2
    options=
    if [ -f "$target.options" ]; then
        options=$(sed -n 's/^\([a-z_]*\) *= *\(.*\)/-\1=\2/p' \
            "$target.options")
    fi
    [ ! -f "$target.dict" ] || set -- "$@" "-dict=$target.dict"
    # $options is a list of words.
    # shellcheck disable=SC2086
    run '' "$target" "$@" $options "$folder" >"$top/replay" 2>&1
    status=$?
    cat "$top/replay"
    [ "$status" = 0 ] && ! grep -q 'runtime error' "$top/replay"
}

# As OSS-Fuzz makes its coverage report.
profile_written() { # TARGET SEEDS
    mkdir "$top/new"
    seeds_pass "$1" "$top/new" -merge=1 "$2" &&
        llvm-profdata merge -o "$top/profdata" "$top"/profile/*.profraw &&
        llvm-cov report "$1" -instr-profile "$top/profdata" >"$top/report" &&
        cat "$top/report" &&
        ! grep -q '^TOTAL.* 0\.00%' "$top/report"
    status=$?
    rm -rf "$top/new" "$top/profdata"
    return "$status"
}

check_target() { # TARGET SANITIZER
    program=$(basename "$1")
    name=${program#fuzz-}
    of="$2: $program"
    seeds=$top/seeds
    check "$of: its seeds" \
        seeds_there "$1" "$source/fuzz/corpus/$name" "$seeds"
    check "$of: its dictionary and options" files_there "$1" "$name"
    if [ "$2" = coverage ]; then
        check "$of: a profile of its seeds" profile_written "$1" "$seeds"
    else
        check "$of: its seeds pass" seeds_pass "$1" "$seeds" -runs=0
        check "$of: $2 inside" sanitizer_inside "$1" "$2"
        if [ -n "$no_devices" ]; then
            echo "skipped: $of: starts without /dev: $no_devices"
        else
            check "$of: starts without /dev" starts "$1"
            check "$of: $least_edges edges" edges_enough
        fi
    fi
    rm -rf "$seeds" "$top/start" "$top/profile"
}

# ---- all of them ------------------------------------------------------------

as_root=
[ "$(id -u)" = 0 ] || as_root=--map-root-user
no_devices=
without_devices sh -c '! [ -e /dev/null ]' >"$log" 2>&1 ||
    no_devices=$(tail -n 1 "$log")

for sanitizer; do
    out=$top/elsewhere
    check "$sanitizer: build.sh" build "$sanitizer"
    mv "$top/the builder/out" "$out"
    rm -rf "$top/the builder"
    check "$sanitizer: all targets" all_targets_there "$out"
    for corpus in "$source"/fuzz/corpus/*/; do
        target=$out/fuzz-$(basename "$corpus")
        [ ! -x "$target" ] || check_target "$target" "$sanitizer"
    done
    rm -rf "$out"
done
[ "$failed" = 0 ]
