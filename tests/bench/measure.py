# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmark measures with: processes, fio, alternating rounds and
the table."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

JOBS = {  # name: (fio arguments, figure, unit)
    "random 4 KiB O_DIRECT, 1 job": (
        ["--rw=randread", "--bs=4k", "--direct=1", "--norandommap"],
        "iops", "IOPS"),
    "random 4 KiB O_DIRECT, 4 jobs": (
        ["--rw=randread", "--bs=4k", "--direct=1", "--norandommap",
         "--numjobs=4", "--group_reporting"],
        "iops", "IOPS"),
    "sequential 1 MiB O_DIRECT": (
        ["--rw=read", "--bs=1M", "--direct=1"], "bw", "MiB/s"),
}
RANDOM1, RANDOM4, SEQUENTIAL = JOBS
BUFFERED = "sequential buffered"


class Failed(Exception):
    """A command of the benchmark failed."""


def call(*command, **options):
    """Run a command; its output, or Failed with what it said."""
    done = subprocess.run([str(c) for c in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(str(c) for c in command)}: status "
                     f"{done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def timed(*command, env=None):
    """(seconds, peak resident MiB) of one command. GNU time asks the kernel:
    a child of this process would inherit this one's peak."""
    with tempfile.NamedTemporaryFile(mode="r", encoding="ascii") as report:
        start = time.monotonic()
        call("/usr/bin/time", "-o", report.name, "-f", "%M", *command,
             env=env)
        seconds = time.monotonic() - start
        return seconds, int(report.read().split()[-1]) / 1024


def fio(path, job, size, runtime, seed):
    args, figure, _ = JOBS[job]
    out = call("fio", "--name=x", "--readonly", f"--filename={path}",
               "--ioengine=psync", "--output-format=json", f"--size={size}",
               f"--randseed={seed}", "--allrandrepeat=0", "--time_based",
               f"--runtime={runtime}", *args)
    read = json.loads(out[out.index("{"):])["jobs"][0]["read"]
    return read["iops"] if figure == "iops" else read["bw"] / 1024


def read_buffered(path, size, drop=True):
    """MiB/s of one buffered pass, from an empty page cache of the file if
    DROP."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if drop:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        buffer = bytearray(1 << 20)
        done = 0
        start = time.monotonic()
        while done < size:
            n = os.preadv(fd, [buffer], done)
            if n == 0:
                break
            done += n
        return done / (1 << 20) / (time.monotonic() - start)
    finally:
        os.close(fd)


def read_job(path, job, size, runtime, seed):
    if job == BUFFERED:
        return read_buffered(path, size)
    return fio(path, job, size, runtime, seed)


def unit_of(job):
    return "MiB/s" if job == BUFFERED else JOBS[job][2]


def alternate(rounds, sides):
    """Run each of SIDES (label: function of the round) in turn, ROUNDS times:
    a machine that drifts moves all of them alike."""
    values = {label: [] for label in sides}
    for i in range(rounds):
        for label, side in sides.items():
            values[label].append(side(i))
    return values


def ratio(values, over):
    """The median of the ratios taken round by round."""
    return statistics.median(v / o for v, o in zip(values, over))


class Table:
    """Rows are printed as they come and kept for the JSON."""

    def __init__(self):
        self.rows = []
        self.section_name = ""

    def section(self, name, caches):
        self.section_name = name
        print(f"\n{name}\n  caches: {caches}", flush=True)

    def row(self, what, values, unit, base=None, over=None, target=None,
            speed=True):
        """One figure: the median of VALUES; beside it that of OVER, which is
        BASE's, and their ratio (how many times as fast; for times, which are
        better when small, SPEED is False). TARGET is (operator, number) for
        the ratio, or for the figure if there is no BASE."""
        median = statistics.median(values)
        row = {"section": self.section_name, "what": what, "unit": unit,
               "median": median, "min": min(values), "max": max(values)}
        text = (f"  {what:44s} {number(median):>9s} {unit:6s}"
                f" [{number(min(values))}..{number(max(values))}]")
        judged = median
        if over:
            judged = ratio(values, over) if speed else ratio(over, values)
            row |= {"base": base, "base_median": statistics.median(over),
                    "ratio": judged}
            text += (f"  {base} {number(statistics.median(over))}"
                     f"  ratio {judged:.2f}")
        if target:
            met = judged >= target[1] if target[0] == ">=" else \
                judged <= target[1]
            row |= {"target": f"{target[0]} {target[1]}", "met": met}
            text += (f"  target {target[0]} {target[1]}"
                     f"  {'met' if met else 'MISSED'}")
        self.rows.append(row)
        print(text, flush=True)

    def note(self, text):
        self.rows.append({"section": self.section_name, "note": text})
        print(f"  {text}", flush=True)


def number(value):
    if value >= 10000:
        return f"{value:.0f}"
    if value >= 100:
        return f"{value:.1f}"
    return f"{value:.3g}"


def missing(*tools):
    return [t for t in tools if not shutil.which(t)]


def steal_seconds():
    with open("/proc/stat", encoding="ascii") as f:
        return int(f.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def say(text):
    print(text, file=sys.stderr, flush=True)
