#!/bin/sh
# SPDX-License-Identifier: MIT
# Opens the chapter's pages in a browser, in a wide window and a phone's: every
# link has a target, every picture loads, and nothing is wider than the window.
# With IMAGES, a folder, saves screenshots there, light and dark.
# usage: check-chapter.sh FOLDER [IMAGES]
set -eu
folder=$(realpath "$1")
images=${2-}
browser=$(command -v chromium || command -v chromium-browser) || {
    echo 'skipped: chromium is not installed'
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

browse() { # WORD...
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
        --user-data-dir="$work/profile" --allow-file-access-from-files \
        "$@" 2>"$work/log"
}

cd "$folder"
pages=$(find . -name '*.html' | sort)
cat >"$work/check.html" <<EOF
<!DOCTYPE html><meta charset="utf-8"><body><pre id="said"></pre><script>
const pages = \`$pages\`.split("\\n");
const said = document.getElementById("said");
const say = text => { said.textContent += text + "\\n" };
const open = (page, width) => new Promise(done => {
    const frame = document.createElement("iframe");
    frame.style.width = width + "px";
    frame.style.height = "800px";
    frame.onload = () => done(frame);
    frame.src = "file://$folder/" + page;
    document.body.append(frame);
});
const check = async () => {
    for (const width of [1200, 400])
        for (const page of pages) {
            const frame = await open(page, width);
            const here = frame.contentDocument;
            const root = here.documentElement;
            if (root.scrollWidth > root.clientWidth)
                say("WIDE " + width + " " + page + " " + root.scrollWidth);
            for (const image of here.images)
                if (!image.complete || image.naturalWidth === 0)
                    say("NO PICTURE " + page + " " + image.src);
            for (const link of here.querySelectorAll("link, script, iframe"))
                if (!(link.href || "").startsWith("file:"))
                    say("LOADS " + page + " " + link.outerHTML);
            for (const link of here.links) {
                const [path, part] = link.href.split("#");
                if (link.protocol !== "file:")
                    continue;
                if (part && path === here.URL &&
                    !here.getElementById(decodeURIComponent(part)))
                    say("NO PLACE " + page + " " + link.href);
                say("LINK " + path);
            }
            say("SEEN " + width + " " + page);
            frame.remove();
        }
    say("END");
};
check();
</script>
EOF
browse --virtual-time-budget=60000 --dump-dom "file://$work/check.html" \
    >"$work/dom"
failed=0
grep -qx END "$work/dom" || {
    cat "$work/log" "$work/dom" >&2
    failed=1
}
seen=$(grep -c '^SEEN \|>SEEN ' "$work/dom")
[ "$seen" = $((2 * $(echo "$pages" | wc -l))) ] || failed=1
! grep -E '^(WIDE|NO|LOADS) ' "$work/dom" >&2 || failed=1
# shellcheck disable=SC2013 # a name is one word
for path in $(sed -n 's|^LINK file://||p' "$work/dom" | sort -u); do
    [ -e "$path" ] || {
        echo "NO FILE $path" >&2
        failed=1
    }
done

if [ -n "$images" ]; then
    mkdir -p "$images"
    for page in $pages; do
        name=$(echo "${page#./}" | tr / -)
        for width in 1200 400; do
            for dark in '' dark; do
                browse ${dark:+--force-dark-mode \
                    --blink-settings=preferredColorScheme=0} \
                    --window-size="$width,8000" \
                    --screenshot="$images/$name-$width$dark.png" \
                    "file://$folder/$page"
            done
        done
    done
fi
exit "$failed"
