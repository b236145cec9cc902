#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a small web site of PAGES in FOLDER, in both languages, with each
# picture in echo_mp(7) below the program that it shows, and writes STAMP. The
# site opens from the file system and loads nothing from elsewhere.
# usage: chapter.sh STAMP FOLDER MANDOC PAGES STYLE PICTURE...
set -eu
stamp=$1
folder=$2
mandoc=$3
pages=$4
style=$5
shift 5
others=https://manpages.debian.org/%N.%S # the pages of other projects

rm -rf "$folder"
mkdir -p "$folder/en" "$folder/ko" "$folder/pictures"
cp "$style" "$folder/style.css"
names=
for picture; do
    cp "$picture" "$folder/pictures/"
    picture=${picture##*/}
    names="$names ${picture%.svg}"
done

# The chapter, with a line "@NAME@" below each display that has a picture.
with_marks() {
    awk '
        { print }
        /^\.\\" example: / { name = $3 }
        /^\.\\" drawing: descriptors$/ { name = "echo_mpserv" }
        /^\.\\" drawing: split$/ { name = "echo_mpclient" }
        /^\.(Ed|Dl)/ {
            if (name != "") {
                print ".Pp\n@" name "@\n.Pp"
            }
            name = ""
        }'
}

figure() { # NAME
    file=../pictures/$1.svg
    printf '<figure><a href="%s"><img src="%s" alt="%s"></a></figure>' \
        "$file" "$file" "$1"
}

# Replaces the marks with pictures; none may be left.
with_pictures() { # FILE
    mistakes=
    for picture in $names; do
        case $picture in
        *-*)
            link=$(figure "$picture")
            mistakes="$mistakes$link"
            continue
            ;;
        esac
        mark="<p class=\"Pp\">@$picture@</p>"
        grep -q "$mark" "$1" || {
            echo "no place for the picture of $picture" >&2
            exit 1
        }
        [ "$picture" != echo_mpserv ] || behind=$mark
        sed -i "s|$mark|&$(figure "$picture")|" "$1"
    done
    # The faulty variants of the server.
    sed -i "s|$behind<figure>.*</figure>|&$mistakes|" "$1"
    sed -i 's|^<p class="Pp">@[^@<]*@</p><figure>|<figure>|' "$1"
    sed -i '/^<p class="Pp">@[^@<]*@<\/p>$/d' "$1"
}

other_of() { # LANGUAGE
    [ "$1" = en ] && echo ko || echo en
}

page() { # LANGUAGE SOURCE NAME
    other=$(other_of "$1")
    ! [ "$other" = ko ] || word=한국어
    ! [ "$other" = en ] || word=English
    filter="cat"
    [ "$3" != echo_mp.7 ] || filter=with_marks
    # mandoc links only to pages in the current folder.
    (cd "$folder/$1" && $filter <"$2" | "$mandoc" -T html \
        -O "man=%N.%S.html;$others,style=../style.css") >"$folder/page"
    nav="<nav><a href=\"../index.html\">echo_mp</a> · <a \
href=\"../$other/$3.html\" lang=\"$other\">$word</a></nav>"
    # It gives Korean headings no IDs, yet links to some.
    sed "s|^<html>|<html lang=\"$1\">|; s|^<body>|<body>$nav|
        s|<a class=\"Sx\" href=\"#[^\"]*_u[^\"]*\">|<a class=\"Sx\">|" \
        "$folder/page" >"$folder/$1/$3.html"
    rm "$folder/page"
    [ "$3" != echo_mp.7 ] || with_pictures "$folder/$1/$3.html"
}

of_language() { # LANGUAGE FOLDER
    for source in "$2"/*.[1-9]; do
        : >"$folder/$1/${source##*/}.html"
    done
    for source in "$2"/*.[1-9]; do
        name=${source##*/}
        page "$1" "$source" "$name"
        about=$(sed -n 's/^\.Nd //p' "$source")
        echo "<li><a href=\"$1/$name.html\">${name%.*}(${name##*.})</a>:" \
            "$about</li>" >>"$folder/list.$1"
    done
}
of_language en "$pages"
of_language ko "$pages/ko"

{
    cat <<'EOF'
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>echo_mp: multi-process servers</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<h1>Multi-process servers</h1>
<p>Begin with <a href="en/echo_mp.7.html">echo_mp(7)</a>, the chapter.</p>
<ul>
EOF
    cat "$folder/list.en"
    echo '</ul><div lang="ko"><h1>멀티프로세스 서버</h1>'
    echo '<p><a href="ko/echo_mp.7.html">echo_mp(7)</a>부터 읽는다.</p><ul>'
    cat "$folder/list.ko"
    echo '</ul></div></body></html>'
} >"$folder/index.html"
rm "$folder/list.en" "$folder/list.ko"
: >"$stamp"
