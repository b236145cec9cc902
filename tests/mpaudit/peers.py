#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs mpaudit on echo_mpserv, on the book's server and on each installed peer,
or on those that are named, and writes a table of servers by checks, with what
was found, to OUTPUT.md, and as a picture to OUTPUT.svg.
usage: peers.py MPAUDIT ECHO_MPSERV BOOK_SERVER OUTPUT [NAME...]"""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

mpaudit, echo_mpserv, book_server, output, *named = sys.argv[1:]
scratch = tempfile.TemporaryDirectory()
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"

# What has to be installed, its Debian package, and a shell's command that runs
# it, in whose words $0 is a folder to write in; then mpaudit's options. Each
# runs with the options that let it be as good as it can. inetd finds its own
# echo by the name of the service alone: it gets an /etc/services that nobody
# else sees. xinetd takes a port, but only in a file.
peers = {
    "echo_mpserv": (echo_mpserv, "", "exec " + echo_mpserv + " -c 2000 {port}"),
    "the book's": (book_server, "", "exec " + book_server + " {port}"),
    "tcpserver": (
        "tcpserver", "ucspi-tcp",
        "exec tcpserver -HRDl0 -b4096 -c2000 127.0.0.1 {port} cat"),
    "socat": (
        "socat", "socat",
        "exec socat TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,nodelay,"
        "backlog=4096 PIPE"),
    "ncat": (
        "ncat", "ncat",
        "exec ncat -lkn -m 1000000 --exec /bin/cat 127.0.0.1 {port}"),
    "inetd": (
        "inetd", "openbsd-inetd",
        "exec unshare -m sh -c '"
        "mount -t tmpfs none /mnt && echo echo {port}/tcp >/mnt/services &&"
        " echo 127.0.0.1:echo stream tcp nowait.100000000 root internal"
        " >/mnt/conf && mount --bind /mnt/services /etc/services &&"
        " exec inetd -i -q 4096 -R 100000000 /mnt/conf'"),
    "xinetd": (
        "xinetd", "xinetd",
        "printf 'service echo\\n{\\n type = UNLISTED\\n port = {port}\\n"
        " bind = 127.0.0.1\\n socket_type = stream\\n protocol = tcp\\n"
        " wait = no\\n user = root\\n server = /bin/cat\\n"
        " instances = UNLIMITED\\n cps = 1000000 1\\n"
        " per_source = UNLIMITED\\n}\\n' >$0/xinetd.conf &&"
        " exec xinetd -dontfork -f $0/xinetd.conf -pidfile $0/xinetd.pid"),
    "busybox tcpsvd": (
        "busybox", "busybox",
        "exec busybox tcpsvd -c 2000 -b 4096 127.0.0.1 {port} cat"),
    "systemd-socket-activate": (
        "systemd-socket-activate", "systemd",
        "exec systemd-socket-activate --accept --inetd -l 127.0.0.1:{port}"
        " /bin/cat"),
    "sshd": (
        "sshd", "openssh-server",
        "mkdir -p /run/sshd && { [ -e $0/key ] ||"
        " ssh-keygen -q -t ed25519 -N '' -f $0/key; } &&"
        " exec $(command -v sshd) -D -e -f /dev/null -p {port} -h $0/key"
        " -o ListenAddress=127.0.0.1 -o PidFile=none -o MaxStartups=2000",
        "-e", "SSH-"),
    "dropbear": (
        "dropbear", "dropbear-bin",
        "{ [ -e $0/bear ] || dropbearkey -t ed25519 -f $0/bear; } >/dev/null &&"
        " exec dropbear -F -E -p 127.0.0.1:{port} -P $0/bear.pid -r $0/bear",
        "-e", "SSH-"),
}


def version_of(package):
    run = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                         capture_output=True, text=True, check=False)
    # Without Debian's epoch and revision.
    return re.sub(r"^\d+:|[-+~].*", "", run.stdout)


def audit(options, command):
    run = subprocess.run(
        [mpaudit, "-j", *options, "--", "/bin/sh", "-c", command, scratch.name],
        capture_output=True, text=True, check=False)
    print(run.stderr, end="", file=sys.stderr)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return [line for line in lines if "name" in line]


def title():
    linux = re.match(r"[\d.]*", os.uname().release)[0]
    return (f"mpaudit, {datetime.date.today()}, Linux {linux};"
            " – cannot be asked of this server, or here")


signs = {"not ok": "✗", "ok": "ok", "skip": "–"}


def write_table(found):
    heads = list(found)
    with open(output + ".md", "w", encoding="utf-8") as table:
        print(title() + ".\n", file=table)
        print("| check | " + " | ".join(heads) + " |", file=table)
        print("|---" * (len(heads) + 1) + "|", file=table)
        for row in zip(*found.values()):
            cells = [signs[result["result"]] for result in row]
            print("| " + " | ".join([row[0]["name"], *cells]) + " |",
                  file=table)
        for head, results in found.items():
            print(file=table)
            for result in results:
                for fault in result["faults"]:
                    text = "; ".join(f"{key}: {value!r}"
                                     for key, value in fault.items())
                    print(f"- {head}, {result['name']}: {text}", file=table)


style = """<style>
svg{background:#fff;font:12px sans-serif}text{fill:#222}.ok{fill:#087f3f}
.not{fill:#c62828;font-weight:bold}
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}
.ok{fill:#4cc380}.not{fill:#ff6b6b}}
</style>"""
row_height, column, left, top = 16, 30, 190, 200


def write_picture(found):
    rows = list(zip(*found.values()))
    width = max(500, left + column * len(found) + 120)  # for slanted heads
    height = top + row_height * len(rows) + 16
    with open(output + ".svg", "w", encoding="utf-8") as picture:
        def put(place, text, about="", kind=""):
            print(f'<text class="{kind}" transform="translate({place}">'
                  f"{escape(text)}<title>{escape(about or text)}</title>"
                  "</text>", file=picture)

        print('<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 '
              f'{width} {height}" width="{width}" height="{height}">\n{style}',
              file=picture)
        put("8 22)", title())
        for i, head in enumerate(found):
            put(f"{left + column * i} {top - 18}) rotate(-60)", head)
        for y, row in enumerate(rows):
            put(f"8 {top + row_height * y})", row[0]["name"])
            for x, (head, result) in enumerate(zip(found, row)):
                what = [fault["message"] for fault in result["faults"]]
                put(f"{left - 6 + column * x} {top + row_height * y})",
                    signs[result["result"]],
                    f"{head}, {result['name']}: {'; '.join(what)}",
                    result["result"])
        print("</svg>", file=picture)


def main():
    found = {}
    for name, (program, package, command, *options) in peers.items():
        if named and name not in named:
            continue
        if shutil.which(program) is None:
            print("not installed:", name, file=sys.stderr)
            continue
        print("audit of", name, file=sys.stderr, flush=True)
        results = audit(options, command)
        if results:
            found[f"{name} {version_of(package)}".strip()] = results
            write_table(found)
            write_picture(found)
    print("written:", output + ".md", output + ".svg")


main()
