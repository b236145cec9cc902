#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs mpaudit on echo_mpserv, on the book's server and on each installed peer,
and writes a Markdown table of servers by checks to OUTPUT, beside it what was
found. usage: peers.py MPAUDIT ECHO_MPSERV BOOK_SERVER OUTPUT"""
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile

mpaudit, echo_mpserv, book_server, output = sys.argv[1:]
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
    return run.stdout


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


def write_table(found, heads):
    names = [result["name"] for result in next(iter(found.values()))]
    with open(output, "w", encoding="utf-8") as table:
        print(f"mpaudit, {datetime.date.today()}, Linux {os.uname().release}; –"
              " cannot be asked of this server, or here.\n", file=table)
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
        if shutil.which(program) is None:
            print("not installed:", name, file=sys.stderr)
            continue
        print("audit of", name, file=sys.stderr, flush=True)
        results = audit(options, command())
        if results:
            found[name] = results
            heads.append(f"{name} {version_of(version)}".strip())
            write_table(found, heads)
    print("written:", output)


main()
