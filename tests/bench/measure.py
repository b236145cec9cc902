#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures echo_mpserv and echo_mpclient beside other programs.

  servers  echo_mpserv, the floor under it, a server with epoll and every
           installed peer, under the same loads; a table
  clients  echo_mpclient and its installed peers, each sending a file to
           echo_mpserv and back; a table
  calls    the system calls, page faults and processor time of echo_mpserv and
           the floor for a client

Fails if one of the project's own programs returns wrong bytes, reports an error
or leaves children, never because it is slow. A peer's failures are reported,
and leave its cell empty."""
import argparse
import collections
import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-c", dest="clients", type=int, default=500,
                    help="clients held at once (%(default)s)")
parser.add_argument("-d", dest="milliseconds", type=int, default=200,
                    help="for each load (%(default)s)")
parser.add_argument("-m", dest="mib", type=int, default=256,
                    help="the size of the clients' file (%(default)s)")
parser.add_argument("-o", dest="others", type=int, default=500,
                    help="clients beside a connection (%(default)s)")
parser.add_argument("-r", dest="rounds", type=int, default=3,
                    help="of all measurements of a table (%(default)s)")
parser.add_argument("-w", dest="report", help="write the tables to REPORT.md, "
                    "and those of servers as bars to REPORT.svg")
parser.add_argument("what", nargs="+", choices=["servers", "clients", "calls"])
options = parser.parse_args()

programs = os.environ["ECHO_MP_PROGRAMS"] + "/"
test_programs = os.environ["ECHO_MP_TEST_PROGRAMS"] + "/"
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"

# inetd finds its own echo by service name only. To use a port other than 7, it
# gets a private /etc/services, which disappears with it; this takes root.
inetd = (
    "mount -t tmpfs none /mnt && echo echo {port}/tcp >/mnt/services &&"
    " echo 127.0.0.1:echo stream tcp nowait.100000000 root internal"
    " >/mnt/conf && mount --bind /mnt/services /etc/services &&"
    " exec inetd -i -q 4096 -R 100000000 /mnt/conf"
)
# With the best options each has: no Nagle (except inetd and ncat), no limit,
# no name resolution, a long backlog. socat keeps its 8 KiB blocks, because
# with larger ones it stalls itself under bulk.
servers = {
    "echo_mpserv": [programs + "echo_mpserv", "-q", "{port}"],
    "floor": [test_programs + "floor", "{port}"],
    "epoll_server": [test_programs + "epoll_server", "{port}"],
    "socat": ["socat", "TCP-LISTEN:{port},bind=127.0.0.1,fork,nodelay,"
              "backlog=4096", "PIPE"],
    "tcpserver": ["tcpserver", "-DHR", "-l0", "-b4096", "-c1000000",
                  "127.0.0.1", "{port}", "cat"],
    "inetd": ["unshare", "-m", "sh", "-c", inetd],
    "ncat": ["ncat", "-lkn", "-m", "1000000", "--exec", "/bin/cat",
             "127.0.0.1", "{port}"],
}
clients = {
    "echo_mpclient": [programs + "echo_mpclient", "-r", "127.0.0.1", "{port}"],
    "nc.openbsd": ["nc.openbsd", "-N", "127.0.0.1", "{port}"],
    # Without -t it would wait only half a second for the last bytes.
    "socat": ["socat", "-b", "65536", "-t", "60", "-", "TCP:127.0.0.1:{port}"],
}
own = ["echo_mpserv", "floor", "epoll_server", "echo_mpclient"]


class Failed(Exception):
    pass


# ---- servers and their load -------------------------------------------------

def at_port(words, port):
    return [word.replace("{port}", str(port)) for word in words]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def await_listener(process, port):
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(ConnectionRefusedError), \
                socket.create_connection(("127.0.0.1", port)) as client:
            # Before the server listens, TCP may connect it to itself.
            if client.getsockname() != client.getpeername():
                return
        time.sleep(0.001)
    raise Failed("it does not listen")


@contextlib.contextmanager
def running(words):
    """A server, whose process group is killed at the end. Yields its process ID
    and port."""
    port = free_port()
    with subprocess.Popen(at_port(words, port), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          start_new_session=True) as process:
        try:
            await_listener(process, port)
            yield process.pid, port
            if words[0] == programs + "echo_mpserv":
                process.terminate()
                if process.wait() != 0:
                    raise Failed(f"status {process.returncode}")
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)


def run_load(load, pid, port):
    """Returns the values that it prints. It fails if a byte is wrong, or if the
    server leaves a child."""
    run = subprocess.run([test_programs + "load", "-p", str(pid),
                          *load.split(), str(port)],
                         stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        raise Failed("the load failed")
    return dict(word.split("=") for word in run.stdout.split())


# ---- tables -----------------------------------------------------------------

# What is measured; whether the min or the max is better; the digits after the
# point; the load, and which of its values this is.
Row = collections.namedtuple("Row", "title better digits load key")


class Table:
    """Of those of CONTESTANTS that are installed, one beside the other.
    MEASURE(name, load) returns a dictionary of values."""

    def __init__(self, heading, contestants, rows, measure):
        self.heading = heading
        self.names = [name for name in contestants
                      if name in own or shutil.which(name)]
        self.rows = rows
        # By name and load, for each round; None if one has failed.
        self.results = collections.defaultdict(list)
        turns = collections.deque(self.names)
        for _ in range(options.rounds):
            for load in dict.fromkeys(row.load for row in rows):
                for name in turns:
                    self.take(name, load, measure)
            turns.rotate()  # each round starts with a different one

    def take(self, name, load, measure):
        if self.results[name, load] is None:
            return  # what a peer has failed to do is not asked of it again
        try:
            self.results[name, load].append(measure(name, load))
        except Failed as failure:
            print(f"{name}, {load}: {failure}", file=sys.stderr)
            if name in own:
                sys.exit(1)
            self.results[name, load] = None

    def values(self, row, name):
        results = self.results[name, row.load] or []
        return [float(result[row.key]) for result in results if result]

    def ratios(self, row, name, other):
        """How many times as good as OTHER. Round by round, so that a passing
        disturbance affects both."""
        pairs = zip(self.values(row, name), self.values(row, other))
        return [b / a if row.better is min else a / b
                for a, b in pairs if a and b]

    def best_peer(self, row):
        peers = [name for name in self.names
                 if name not in own and self.values(row, name)]
        return row.better(peers, default="", key=lambda name:
                          statistics.median(self.values(row, name)))

    def markdown(self):
        first = self.names[0]
        yardsticks = ["floor"] if "floor" in self.names else []
        heads = ["median", *self.names,
                 *[f"to {name}" for name in [*yardsticks, "best peer"]]]
        lines = [self.heading + f", {options.rounds} rounds. A ratio over 1: "
                 f"{first} is better.", "", "| " + " | ".join(heads) + " |",
                 "|---" + "|---:" * (len(heads) - 1) + "|"]
        for row in self.rows:
            cells = [median_text(self.values(row, name), row.digits)
                     for name in self.names]
            cells += [median_text(self.ratios(row, first, name), 2)
                      for name in yardsticks]
            peer = self.best_peer(row)
            ratio = median_text(self.ratios(row, first, peer), 2)
            cells.append(f"{ratio} {peer}".strip())
            lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def draw(self, path):
        """Bars, cut off at three times the floor, or the others could not be
        seen."""
        if shutil.which("gnuplot") is None:
            print("no chart: gnuplot is not installed", file=sys.stderr)
            return
        lines = ["row " + " ".join(self.names)]
        for row in self.rows:
            ratios = [median_text(self.ratios(row, name, "floor"), 3)
                      for name in self.names]
            lines.append(f'"{row.title}" ' + " ".join(ratios))
        subprocess.run(["gnuplot"], check=True, text=True,
                       input="$ratios <<END\n" + "\n".join(lines) + f"""
END
set terminal svg size 1200,700 background 'white'
set output '{path}'
set title 'times as good as the floor'
set datafile missing '-'
set style data histograms
set style fill solid 0.8 noborder
set yrange [0:3]
set grid ytics
set xtics rotate by -30 noenhanced
set key outside noenhanced
set rmargin 22
plot 1 linecolor 'black' notitle, \\
    for [i=2:{len(self.names) + 1}] $ratios \\
    using i:xticlabels(1) title columnheader(i)
""")


def median_text(values, digits):
    return f"{statistics.median(values):.{digits}f}" if values else "-"


# ---- servers ----------------------------------------------------------------

hold = f"-c {options.clients} hold"
crowd = f"-c {options.others} -n 300 crowd"
server_rows = [
    Row("connections a second, 4 clients, 64 B", max, 0, "connect", "rate"),
    Row("round trips a second, 1 client, 64 B", max, 0, "-c 1 trips", "rate"),
    Row("round trips a second, 64 clients, 64 B", max, 0, "-c 64 trips",
        "rate"),
    Row("round trips a second, 8 clients, 64 KiB", max, 0,
        "-c 8 -s 65536 trips", "rate"),
    Row("slowest size of 1 B to 1 MiB, µs", min, 0, "sizes", "worst_us"),
    Row("bulk, 1 client, GB/s", max, 2, "-c 1 bulk", "gb_per_second"),
    Row("bulk, 4 clients, GB/s", max, 2, "-c 4 bulk", "gb_per_second"),
    Row("memory, 200 clients, KiB each", min, 1, "-c 200 hold",
        "pss_kib_per_client"),
    # Only for the project's own.
    Row(f"{options.clients} clients come, s", min, 2, hold, "open_seconds"),
    Row(f"{options.clients} clients gone, s", min, 2, hold, "gone_seconds"),
    Row(f"a connection beside {options.others}, times that beside 10", min, 2,
        crowd, "ratio"),
]


def load_server(name, load):
    words = servers[name]
    limits = f"-d {options.milliseconds}"
    if name not in own:
        if load in (hold, crowd):
            return {}
        limits += " -t 5"  # one that hangs must not delay the others for long
    elif name == "echo_mpserv" and load in (hold, crowd):
        room = options.clients + options.others + 16
        words = [words[0], "-c", str(room), *words[1:]]
    with running(words) as (pid, port):
        return run_load(f"{limits} {load}", pid, port)


def compare_servers():
    heading = (f"Linux {os.uname().release}, {os.cpu_count()} processors, "
               f"{options.milliseconds} ms each")
    table = Table(heading, servers, server_rows, load_server)
    if options.report:
        table.draw(options.report + ".svg")
    return table.markdown()


# ---- clients ----------------------------------------------------------------

def send_file(words, file, data):
    """Through a client to the server and back; FILE holds DATA."""
    file.seek(0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    began = time.monotonic()
    at = 0
    with subprocess.Popen(words, stdin=file, stdout=subprocess.PIPE) as client:
        while piece := client.stdout.read1(256 * 1024):
            if data[at:at + len(piece)] != piece:
                raise Failed(f"wrong bytes after {at}")
            at += len(piece)
    if at < len(data) or client.returncode != 0:
        raise Failed(f"{at} bytes came back, status {client.returncode}")
    user = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return {"seconds": time.monotonic() - began,
            "user_seconds": user * 1024 / options.mib}


def compare_clients():
    size = f"{options.mib} MiB"
    rows = [Row(f"{size} there and back, s", min, 2, "file", "seconds"),
            Row("user time for 1 GiB, s", min, 2, "file", "user_seconds")]
    data = os.urandom(options.mib << 20)
    with (tempfile.TemporaryFile() as file,
          running(servers["echo_mpserv"]) as (_, port)):
        file.write(data)
        file.flush()
        return Table(f"{size} through each client to echo_mpserv and back",
                     clients, rows, lambda name, _: send_file(
                         at_port(clients[name], port), file, data)).markdown()


# ---- calls ------------------------------------------------------------------

def print_calls(name):
    """For one client after another, in the parent and in its children; then
    for messages of one client."""
    connections = 200
    messages = 1000
    with (tempfile.NamedTemporaryFile("r") as trace,
          running(["strace", "-qq", "-f", "-o", trace.name,
                   *servers[name]]) as (_, port)):
        parent = trace.readline().split()[0]

        def calls_under(load):
            run_load(load, parent, port)
            return re.findall(r"^(\d+) +(\w+)\(", trace.read(), re.MULTILINE)

        calls_under("-c 1 -n 1 connect")  # what the start needs is not counted
        calls = calls_under(f"-c 1 -n {connections} connect")
        of_messages = calls_under(f"-c 1 -n {messages} trips")
    for who, own_calls in (
            ("parent", [call for pid, call in calls if pid == parent]),
            ("child", [call for pid, call in calls if pid != parent])):
        print(f"{name}, {who}: {len(own_calls) / connections:.2f} a client:",
              *[f"{call} {count / connections:.2f}" for call, count
                in collections.Counter(own_calls).most_common()])
    in_child = sum(pid != parent for pid, _ in of_messages)
    print(f"{name}, child: {in_child / (messages + 1):.2f} a message")


def costs_of(pid):
    """Page faults of it and of the children that it has reaped, and the
    processor time of both in ticks: proc_pid_stat(5)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[7]), int(fields[8]), sum(map(int, fields[11:15]))


def print_costs(name):
    """Without the tracer."""
    connections = 2000
    with running(servers[name]) as (pid, port):
        before = costs_of(pid)
        run_load(f"-c 1 -n {connections} connect", pid, port)
        parent, child, ticks = [(b - a) / connections
                                for a, b in zip(before, costs_of(pid))]
    microseconds = ticks / os.sysconf("SC_CLK_TCK") * 1e6
    print(f"{name}, a client: {parent:.1f} page faults in the parent, "
          f"{child:.1f} in the child, {microseconds:.0f} µs")


# ---- all --------------------------------------------------------------------

def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the servers
    tables = []
    if "servers" in options.what:
        tables.append(compare_servers())
        print(tables[-1])
    if "clients" in options.what:
        tables.append(compare_clients())
        print(tables[-1])
    if options.report:
        with open(options.report + ".md", "w", encoding="utf-8") as file:
            file.write("\n".join(tables))
        print(options.report + ".md")
    if "calls" in options.what:
        for measure in print_calls, print_costs:
            for name in "echo_mpserv", "floor":
                measure(name)


main()
