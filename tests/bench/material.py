# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmark measures: images, chains, and the servers that show
them. All of it is made here, from the files of this system."""
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

from measure import Failed, call, say

PIECE = 65536


class Place:
    """The working directory, the programs under test, and how much to do."""

    def __init__(self, work, build, full):
        self.work = work
        self.full = full
        self.rounds = 5 if full else 3
        self.runtime = "3s" if full else "500ms"
        self.size = (1 << 30) if full else (256 << 20)
        self.snapfs = os.path.join(build, "tools", "snapfs")
        self.mount = os.path.join(build, "fuse", "mount.snapfs")
        self.null = os.path.join(work, "null-fuse")

    def path(self, *names):
        return os.path.join(self.work, *names)

    def new_repo(self, name):
        repo = self.path(name)
        shutil.rmtree(repo, ignore_errors=True)
        call(self.snapfs, "init", repo)
        return repo

    def create(self, repo, *sources):
        return call(self.snapfs, "-q", "-r", repo, "snapshot", "create",
                    *sources).split()

    def list(self, repo):
        return json.loads(call(self.snapfs, "-r", repo, "--json", "snapshot",
                               "list"))


def copy_files(tree, limit):
    """Fill TREE with real files, always the same ones on one system, until
    LIMIT bytes of 4 KiB blocks are used."""
    used = 0
    for top in ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share",
                "/usr/include"):
        for where, dirs, files in os.walk(top):
            dirs.sort()
            for name in sorted(files):
                path = os.path.join(where, name)
                if not os.path.isfile(path) or os.path.islink(path):
                    continue
                need = -(-os.path.getsize(path) // 4096) * 4096 + 4096
                if need > limit // 8 or used + need > limit:
                    continue
                copy = tree + path
                os.makedirs(os.path.dirname(copy), exist_ok=True)
                shutil.copyfile(path, copy)
                used += need
        if used > limit * 0.98:
            return


def dense_image(place):
    """An ext4 image of place.size bytes that real files fill."""
    image = place.path("dense.raw")
    if os.path.exists(image) and os.path.getsize(image) == place.size:
        return image
    say("making a dense disk image from the files of this system")
    tree = place.path("tree")
    copy_files(tree, int(place.size * 0.93))
    with open(image, "wb") as f:
        f.truncate(place.size)
    call("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "65536", "-O",
         "^has_journal", "-E", "lazy_itable_init=0", "-d", tree, image)
    shutil.rmtree(tree)
    return image


def head_of(place, image, size, name):
    """A copy of the first SIZE bytes of IMAGE."""
    path = place.path(name)
    with open(image, "rb") as source, open(path, "wb") as out:
        left = size
        while left:
            block = source.read(min(left, 1 << 20))
            out.write(block)
            left -= len(block)
    return path


def pieces(seed, count, size):
    """The same random places and data, half of it random, for a SEED."""
    r = random.Random(seed)
    for _ in range(count):
        where = r.randrange(size // PIECE) * PIECE
        yield where, (r.randbytes(PIECE // 2) +
                      bytes([r.randrange(1, 255)]) * (PIECE // 2))


def churn(image, seed, count):
    with open(image, "r+b") as f:
        size = os.fstat(f.fileno()).st_size
        for where, data in pieces(seed, count, size):
            f.seek(where)
            f.write(data)


def qcow2_layer(place, below, above, seed, count, size):
    """A qcow2 image ABOVE on BELOW with the same churn written to it."""
    scratch = place.path("piece")
    commands = []
    call("qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F",
         "qcow2", above)
    for i, (where, data) in enumerate(pieces(seed, count, size)):
        with open(f"{scratch}{i}", "wb") as f:
            f.write(data)
        commands += ["-c", f"write -q -s {scratch}{i} {where} {PIECE}"]
    call("qemu-io", "-f", "qcow2", *commands, above)
    for i in range(count):
        os.unlink(f"{scratch}{i}")


class Mounted(contextlib.AbstractContextManager):
    """snapfs's mount of a repository."""

    def __init__(self, place, repo, name, options=""):
        self.dir = place.path(name)
        os.makedirs(self.dir, exist_ok=True)
        command = [place.mount, repo, self.dir]
        if options:
            command += ["-o", options]
        start = time.monotonic()
        # Not call(): the daemon keeps what it inherits open.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        self.seconds = time.monotonic() - start
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: status {done.returncode}")

    def __exit__(self, *_):
        try:
            pid = self.pid()
        except OSError as error:
            call("umount", "-l", self.dir)
            raise Failed(f"the mount on '{self.dir}' died") from error
        call("umount", self.dir)
        wait_gone(pid)

    def image(self, snapshot):
        return os.path.join(self.dir, "snapshots", snapshot + ".img")

    def latest(self, volume):
        return os.path.join(self.dir, "volumes", volume, "latest.img")

    def status(self):
        with open(os.path.join(self.dir, ".snapfs", "status.json"),
                  encoding="utf-8") as f:
            return json.load(f)

    def pid(self):
        return self.status()["ProcessId"]

    def peak_mib(self):
        with open(f"/proc/{self.pid()}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        raise Failed("no VmHWM")


def wait_gone(pid):
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.01)


class Null(contextlib.AbstractContextManager):
    """The FUSE server that does no work: what this machine allows."""

    def __init__(self, place):
        if not os.path.exists(place.null):
            here = os.path.dirname(os.path.abspath(__file__))
            flags = call("pkg-config", "--cflags", "--libs", "fuse3").split()
            call("cc", "-O2", os.path.join(here, "null-fuse.c"), "-o",
                 place.null, *flags)
        self.dir = place.path("mnt-null")
        os.makedirs(self.dir, exist_ok=True)
        call(place.null, self.dir)
        self.file = os.path.join(self.dir, "null")

    def __exit__(self, *_):
        call("umount", self.dir)


class Qemu(contextlib.AbstractContextManager):
    """qemu-storage-daemon's FUSE export of a qcow2 image."""

    def __init__(self, place, image):
        self.file = place.path("export.raw")
        with open(self.file, "wb"):
            pass
        before = os.stat(self.file).st_dev
        self.process = subprocess.Popen(
            ["qemu-storage-daemon",
             "--blockdev", f"driver=file,node-name=f,filename={image}",
             "--blockdev", "driver=qcow2,node-name=q,file=f",
             "--export", "type=fuse,id=e,node-name=q,writable=off,mountpoint="
             + self.file], stdin=subprocess.DEVNULL)
        while os.stat(self.file).st_dev == before:
            if self.process.poll() is not None:
                raise Failed("qemu-storage-daemon ended")
            time.sleep(0.01)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def tree_bytes(top):
    """Bytes of all files below TOP, by size."""
    return sum(os.path.getsize(os.path.join(where, name))
               for where, _, files in os.walk(top) for name in files)


def disk_mib(top):
    """MiB that TOP takes on disk, as du says."""
    return int(call("du", "-sk", top).split()[0]) / 1024


def peer_env(place):
    """Peers keep their caches here too, and ask nothing."""
    env = dict(os.environ)
    env.update(BORG_BASE_DIR=place.path("borg-home"),
               BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
               BORG_RELOCATED_REPO_ACCESS_IS_OK="yes",
               RESTIC_PASSWORD="benchmark",
               RESTIC_CACHE_DIR=place.path("restic-cache"))
    return env
