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


def scratch_file(name, text):
    path = os.path.join(scratch.name, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


# inetd finds its own echo by the name of the service alone: it gets an
# /etc/services that nobody else sees. xinetd takes a port, but only in a file.
inetd = (
    "mount -t tmpfs none /mnt && echo echo {port}/tcp >/mnt/services &&"
    " echo 127.0.0.1:echo stream tcp nowait.100000000 root internal"
    " >/mnt/conf && mount --bind /mnt/services /etc/services &&"
    " exec inetd -i -q 4096 -R 100000000 /mnt/conf"
)
xinetd = (
    f"printf 'service echo\\n{{\\n type = UNLISTED\\n port = {{port}}\\n"
    " bind = 127.0.0.1\\n socket_type = stream\\n protocol = tcp\\n"
    " wait = no\\n user = root\\n server = /bin/cat\\n instances = UNLIMITED\\n"
    " cps = 1000000 1\\n per_source = UNLIMITED\\n}\\n'"
    f" >{scratch.name}/xinetd.conf &&"
    f" exec xinetd -dontfork -f {scratch.name}/xinetd.conf"
    f" -pidfile {scratch.name}/xinetd.pid"
)


def host_key():
    path = os.path.join(scratch.name, "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path],
                   check=True)
    return path


def dropbear_key():
    path = os.path.join(scratch.name, "dropbear")
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", path], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


# Each with the options that let it be as good as it can. The first word of its
# command is what has to be installed; then how to ask for its version.
dpkg = "dpkg-query -W -f ${Version} "
peers = [
    ("echo_mpserv", echo_mpserv, None,
     lambda: [echo_mpserv, "-c", "2000", "{port}"], []),
    ("the book's", book_server, None, lambda: [book_server, "{port}"], []),
    ("tcpserver", "tcpserver", dpkg + "ucspi-tcp",
     lambda: ["tcpserver", "-HRDl0", "-b4096", "-c2000", "127.0.0.1", "{port}",
              "cat"], []),
    ("socat", "socat", dpkg + "socat",
     lambda: ["socat", "TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,"
              "nodelay,backlog=4096", "PIPE"], []),
    ("ncat", "ncat", dpkg + "ncat",
     lambda: ["ncat", "-lkn", "-m", "1000000", "--exec", "/bin/cat",
              "127.0.0.1", "{port}"], []),
    ("inetd", "inetd", dpkg + "openbsd-inetd",
     lambda: ["unshare", "-m", "sh", "-c", inetd], []),
    ("xinetd", "xinetd", dpkg + "xinetd", lambda: ["sh", "-c", xinetd], []),
    ("busybox tcpsvd", "busybox", dpkg + "busybox",
     lambda: ["busybox", "tcpsvd", "-c", "2000", "-b", "4096", "127.0.0.1",
              "{port}", "cat"], []),
    ("systemd-socket-activate", "systemd-socket-activate", dpkg + "systemd",
     lambda: ["systemd-socket-activate", "--accept", "--inetd", "-l",
              "127.0.0.1:{port}", "/bin/cat"], []),
    ("sshd", "sshd", dpkg + "openssh-server",
     lambda: ["sh", "-c", 'mkdir -p /run/sshd && exec "$@"', "sh",
              shutil.which("sshd"), "-D", "-e", "-f", "/dev/null", "-p",
              "{port}", "-h", host_key(), "-o", "ListenAddress=127.0.0.1", "-o",
              "PidFile=none", "-o", "MaxStartups=2000"], ["-e", "SSH-"]),
    ("dropbear", "dropbear", dpkg + "dropbear-bin",
     lambda: ["dropbear", "-F", "-E", "-p", "127.0.0.1:{port}", "-P",
              scratch.name + "/dropbear.pid", "-r", dropbear_key()],
     ["-e", "SSH-"]),
]


def version_of(command):
    if command is None:
        return ""
    run = subprocess.run(command.split(), capture_output=True, text=True,
                         check=False)
    # Without Debian's epoch and revision.
    return re.sub(r"^\d+:|[-+~].*", "", run.stdout)


def audit(options, command):
    run = subprocess.run([mpaudit, "-j", *options, "--", *command],
                         capture_output=True, text=True, check=False)
    print(run.stderr, end="", file=sys.stderr)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return [line for line in lines if "name" in line]


def cell_of(result):
    if result["result"] == "skip":
        return "–"
    if result["result"] == "not ok":
        return "**not ok**"
    return "ok"


def title():
    return f"mpaudit, {datetime.date.today()}, Linux {os.uname().release}"


style = """<style>
svg{background:#fff;font:12px sans-serif}text{fill:#222}
.t{font-size:15px;font-weight:bold}.not{fill:#c62828}.ok{fill:#087f3f}
.skip{fill:#bbb}
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}
.not{fill:#ff6b6b}.ok{fill:#4cc380}.skip{fill:#555}}
</style>"""
signs = {"not ok": '<path class="not" d="M-5 -5h10v10h-10z"/>',
         "ok": '<circle class="ok" r="2.5"/>',
         "skip": '<path class="skip" d="M-4 -1h8v2h-8z"/>'}
row, column, left, top = 16, 30, 190, 200


def write_picture(found, heads):
    names = [result["name"] for result in next(iter(found.values()))]
    width = max(500, left + column * len(heads) + 120)  # for slanted heads
    height = top + row * len(names) + 40
    with open(output + ".svg", "w", encoding="utf-8") as picture:
        print('<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 '
              f'{width} {height}" width="{width}" height="{height}">\n'
              f"<title>{title()}</title>\n{style}\n"
              f'<text class="t" x="8" y="22">{title()}</text>', file=picture)
        for i, head in enumerate(heads):
            print(f'<text transform="translate({left + column * i} {top - 14})'
                  f' rotate(-60)">{escape(head)}</text>', file=picture)
        for i, name in enumerate(names):
            y = top + row * i
            print(f'<text x="8" y="{y + 4}">{escape(name)}</text>',
                  file=picture)
            for j, results in enumerate(found.values()):
                result = results[i]
                what = [fault["message"] for fault in result["faults"]]
                text = "; ".join(what) or result["result"]
                print(f'<g transform="translate({left + column * j} {y})">'
                      f'{signs[result["result"]]}<title>'
                      f"{escape(f'{heads[j]}, {name}: {text}')}</title></g>",
                      file=picture)
        x = 12
        for kind, what in (("not ok", "not ok"), ("ok", "ok"),
                           ("skip", "cannot be asked of this server, or here")):
            print(f'<g transform="translate({x} {height - 16})">{signs[kind]}'
                  f'<text x="12" y="4">{what}</text></g>', file=picture)
            x += 80
        print("</svg>", file=picture)


def write_table(found, heads):
    names = [result["name"] for result in next(iter(found.values()))]
    with open(output + ".md", "w", encoding="utf-8") as table:
        print(f"{title()}; – cannot be asked of this server, or here.\n",
              file=table)
        print("| check | " + " | ".join(heads) + " |", file=table)
        print("|---" * (len(heads) + 1) + "|", file=table)
        for i, name in enumerate(names):
            cells = [cell_of(results[i]) for results in found.values()]
            print(f"| {name} | " + " | ".join(cells) + " |", file=table)
        for server, results in found.items():
            print(file=table)
            for result in results:
                for fault in result["faults"]:
                    text = "; ".join(f"{key}: {value!r}"
                                     for key, value in fault.items())
                    print(f"- {server}, {result['name']}: {text}", file=table)


def main():
    found = {}
    heads = []
    for name, program, version, command, options in peers:
        if named and name not in named:
            continue
        if shutil.which(program) is None:
            print("not installed:", name, file=sys.stderr)
            continue
        print("audit of", name, file=sys.stderr, flush=True)
        results = audit(options, command())
        if results:
            found[name] = results
            heads.append(f"{name} {version_of(version)}".strip())
            write_table(found, heads)
            write_picture(found, heads)
    print("written:", output + ".md", output + ".svg")


main()
