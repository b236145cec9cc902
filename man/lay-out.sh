#!/bin/sh
# SPDX-License-Identifier: MIT
# Copies the pages into FOLDER where man(1) looks for them, man8/PAGE.8 and
# ko/man8/PAGE.8, and writes STAMP. usage: lay-out.sh STAMP FOLDER PAGES
set -eu
stamp=$1
folder=$2
pages=$3

cd "$pages"
for page in *.[1-9] ko/*.[1-9]; do
    section=man${page##*.}
    case $page in
    ko/*) section=ko/$section ;;
    esac
    mkdir -p "$folder/$section"
    cp "$page" "$folder/$section/"
done
: >"$stamp"
