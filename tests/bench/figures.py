# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures, one function a section. Each makes its own material, states the
caches, and adds rows to the table."""
import os
import shutil
import time

from material import (Mounted, Null, Qemu, churn, dense_image, disk_mib,
                      head_of, peer_env, qcow2_layer, tree_bytes)
from measure import (BUFFERED, RANDOM1, RANDOM4, SEQUENTIAL, alternate, call,
                     missing, read_buffered, read_job, say, timed,
                     unit_of)

MIB = 1 << 20
WARM_CACHE = 256 * MIB
COLD_CACHE = 4 * MIB


def same_bytes(*files):
    for other in files[1:]:
        call("cmp", files[0], other)


def direct_jobs(place):
    return (RANDOM1, RANDOM4, SEQUENTIAL) if place.full else \
        (RANDOM1, SEQUENTIAL)


def compare(place, table, job, sides, base, targets=None, size=None):
    """Run a job on the files of SIDES in turn; a row for each but BASE, which
    is the one to divide by."""
    size = size or place.size
    values = alternate(place.rounds, {
        label: lambda i, path=path: read_job(path, job, size, place.runtime,
                                             1000 + i)
        for label, path in sides.items()})
    for label in sides:
        if label != base:
            table.row(f"{label}: {job}", values[label], unit_of(job), base,
                      values[base], (targets or {}).get(label))
    return values


def depth(place, table):
    """Reads at depth 1 and at the end of a long chain, of the same bytes."""
    steps = 1000 if place.full else 50
    size = 256 * MIB if place.full else 128 * MIB
    image = head_of(place, dense_image(place), size, "depth.raw")
    deep = place.new_repo("repo-deep")
    flat = place.new_repo("repo-flat")
    say(f"making a chain of {steps} snapshots")
    start = time.monotonic()
    for step in range(steps):
        if step:
            churn(image, step, 8)
        place.create(deep, f"disk={image}")
    each = (time.monotonic() - start) / steps
    place.create(flat, f"disk={image}")
    table.section(f"Depth {steps} beside depth 1, the same {size // MIB} MiB",
                  "packs in the page cache; chunk cache of "
                  f"{COLD_CACHE // MIB} MiB, so chunks are decoded; page "
                  "cache of the mount empty")
    options = f"cache_size={COLD_CACHE}"
    with Mounted(place, flat, "mnt-flat", options) as one, \
            Mounted(place, deep, "mnt-deep", options) as many:
        sides = {"depth 1": one.latest("disk"),
                 f"depth {steps}": many.latest("disk")}
        same_bytes(image, *sides.values())
        for job in (*direct_jobs(place), BUFFERED):
            compare(place, table, job, sides, "depth 1",
                    {f"depth {steps}": (">=", 0.95)}, size)
    table.row("one step: churn and snapshot create", [each * 1000], "ms")


def many(place, table):
    """Mounting and listing a repository of very many snapshots."""
    count = 10000 if place.full else 1000
    volumes = 50
    repo = place.new_repo("repo-many")
    sources = []
    for v in range(volumes):
        path = place.path(f"small{v}.raw")
        with open(path, "wb") as f:
            f.write(os.urandom(65536) * 4)
        sources.append((path, f"vol{v:03d}={path}"))
    say(f"making {count} snapshots")
    for step in range(count // volumes):
        for path, _ in sources:
            churn(path, step, 1)
        place.create(repo, *(source for _, source in sources))
    table.section(f"Mount of a repository with {count} snapshots",
                  "catalog in the page cache")
    seconds, listing, peak, listed = [], [], [], []
    for _ in range(place.rounds):
        with Mounted(place, repo, "mnt-many") as mount:
            seconds.append(mount.seconds * 1000)
            peak.append(mount.peak_mib())
            took, _ = timed("ls", "-l", os.path.join(mount.dir, "snapshots"))
            listing.append(took * 1000)
            listed.append(mount.peak_mib())
            found = len(os.listdir(os.path.join(mount.dir, "snapshots")))
            if found != count:
                raise RuntimeError(f"{found} snapshots, not {count}")
    table.row("time until the mount answers", seconds, "ms",
              target=("<=", 100))
    table.row("resident, mounted", peak, "MiB", target=("<=", 64))
    table.row("ls -l snapshots/, the first time", listing, "ms")
    table.row("resident, all listed", listed, "MiB", target=("<=", 64))
    took = [timed(place.snapfs, "-r", repo, "snapshot", "list")[0] * 1000
            for _ in range(place.rounds)]
    table.row("snapfs snapshot list", took, "ms")


def limit(place, table):
    """The mount beside a FUSE server that does no work."""
    image = dense_image(place)
    repo = place.new_repo("repo-limit")
    place.create(repo, f"disk={image}")
    work = 32 * MIB
    table.section("snapfs beside a FUSE server that does no work: warm",
                  f"working set of {work // MIB} MiB decoded in the chunk "
                  "cache, O_DIRECT, so the page cache has no part")
    with Null(place) as null:
        with Mounted(place, repo, "mnt", f"cache_size={WARM_CACHE}") as mount:
            sides = {"null": null.file, "snapfs": mount.latest("disk")}
            for _ in range(3):
                read_buffered(sides["snapfs"], work)
            for job in direct_jobs(place):
                target = {"snapfs": (">=", 0.7)} if job == RANDOM1 else None
                compare(place, table, job, sides, "null", target, work)
        with Mounted(place, repo, "mnt", f"cache_size={COLD_CACHE}") as mount:
            sides["snapfs"] = mount.latest("disk")
            same_bytes(image, sides["snapfs"])
            table.section(
                "snapfs beside a FUSE server that does no work: cold",
                f"chunk cache of {COLD_CACHE // MIB} MiB for "
                f"{place.size // MIB} MiB, so every read is decoded; packs "
                "in the page cache")
            for job in (*direct_jobs(place), BUFFERED):
                target = {"snapfs": (">=", 0.4)} if job == RANDOM1 else None
                compare(place, table, job, sides, "null", target)


def reads(mount):
    return mount.status()["Requests"]["Read"]


def second_pass(place, table):
    """A second buffered pass is the kernel's alone."""
    image = dense_image(place)
    repo = place.new_repo("repo-second")
    place.create(repo, f"disk={image}")
    table.section("A second buffered pass over the same file",
                  "first: page cache of the mount empty; second: as the "
                  "first left it")
    with Mounted(place, repo, "mnt") as mount:
        path = mount.latest("disk")
        first = read_buffered(path, place.size)
        begin = reads(mount)
        before = reads(mount)
        second = read_buffered(path, place.size, drop=False)
        # Reading the status may itself be a read or two.
        sent = reads(mount) - before - (before - begin)
    table.row("first pass", [first], "MiB/s")
    table.row("second pass", [second], "MiB/s")
    table.row("reads sent to the daemon by the second", [sent], "",
              target=("<=", 0))


def qcow2_chain(place, layers, count):
    """The same chain as snapshots and as qcow2 images; (repo, raw, image)."""
    raw = place.path("chain.raw")
    shutil.copyfile(dense_image(place), raw)
    repo = place.new_repo("repo-chain")
    place.create(repo, f"disk={raw}")
    image = place.path("layer0.qcow2")
    call("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image)
    for layer in range(1, layers):
        churn(raw, layer, count)
        above = place.path(f"layer{layer}.qcow2")
        qcow2_layer(place, image, above, layer, count, place.size)
        place.create(repo, f"disk={raw}")
        image = above
    return repo, raw, image


def qemu(place, table):
    """The mount beside a chain of qcow2 files of the same data."""
    if missing("qemu-storage-daemon", "qemu-img"):
        table.section("qemu-storage-daemon", "-")
        table.note("not measured: qemu-storage-daemon is missing")
        return
    for layers in (8, 64, 256) if place.full else (8,):
        count = 2048 // layers
        say(f"making a chain of {layers} qcow2 images")
        repo, raw, image = qcow2_chain(place, layers, count)
        table.section(f"snapfs beside qemu-storage-daemon's FUSE export of a "
                      f"qcow2 chain {layers} deep, the same data",
                      "packs and qcow2 files in the page cache; chunk cache "
                      "of the default size, page cache of the mounts empty")
        with Qemu(place, image) as export, \
                Mounted(place, repo, "mnt") as mount:
            sides = {"qemu": export.file, "snapfs": mount.latest("disk")}
            same_bytes(raw, *sides.values())
            for job in (*direct_jobs(place), BUFFERED):
                target = {"snapfs": (">=", 1)} \
                    if job == SEQUENTIAL and layers == 8 else None
                compare(place, table, job, sides, "qemu", target)
        for layer in range(layers):
            os.unlink(place.path(f"layer{layer}.qcow2"))


class Peer:
    """One backup tool: how to make a repository, and to add to it."""

    def __init__(self, place, name):
        self.place = place
        self.name = name
        self.repo = place.path("peer-" + name)
        self.env = peer_env(place)
        self.runs = 0

    def reset(self):
        shutil.rmtree(self.repo, ignore_errors=True)
        for cache in ("borg-home", "restic-cache"):
            shutil.rmtree(self.place.path(cache), ignore_errors=True)
        if self.name == "snapfs":
            call(self.place.snapfs, "init", self.repo)
        elif self.name == "borg":
            call("borg", "init", "-e", "none", self.repo, env=self.env)
        else:
            call("restic", "init", "-q", "-r", self.repo, env=self.env)
        os.sync()

    def create(self, image):
        self.runs += 1
        if self.name == "snapfs":
            return timed(self.place.snapfs, "-q", "-r", self.repo, "snapshot",
                         "create", f"disk={image}")
        if self.name == "borg":
            # The cache of unchanged files is off: the content is compared.
            return timed("borg", "create", "--compression", "lz4",
                         "--chunker-params", "fixed,65536",
                         "--files-cache=disabled",
                         f"{self.repo}::a{self.runs}", image, env=self.env)
        return timed("restic", "-q", "-r", self.repo, "backup", "--force",
                     image, env=self.env)


def create(place, table):
    """Taking a snapshot, beside backup tools."""
    image = dense_image(place)
    peers = ["borg"] + (["restic"] if place.full else [])
    absent = missing(*peers)
    names = ["snapfs"] + [p for p in peers if p not in absent]
    peer = {name: Peer(place, name) for name in names}
    first = {name: [] for name in names}
    again = {name: [] for name in names}
    peak = {name: [] for name in names}

    read_buffered(image, place.size, drop=False)
    for _ in range(place.rounds):
        for name in names:
            peer[name].reset()
            seconds, resident = peer[name].create(image)
            first[name].append(seconds)
            peak[name].append(resident)
            os.sync()
        for name in names:
            again[name].append(peer[name].create(image)[0])
            os.sync()
    table.section(f"Snapshot of a dense image of {place.size // MIB} MiB",
                  "source in the page cache; a new repository each round; "
                  "until the command returns")
    for name in absent:
        table.note(f"not measured: {name} is missing")
    for name in names[1:]:
        borg = name == "borg"
        table.row(f"first, beside {name}", first["snapfs"], "s", name,
                  first[name], (">=", 2) if borg else None, speed=False)
        table.row(f"again, unchanged, beside {name}", again["snapfs"], "s",
                  name, again[name], (">=", 3) if borg else None, speed=False)
        table.row(f"{name}: peak resident", peak[name], "MiB")
    table.row("snapfs: peak resident", peak["snapfs"], "MiB",
              target=("<=", 256))
    for name in names:
        table.row(f"{name}: stored", [disk_mib(peer[name].repo)], "MiB")
    sparse_create(place, table)


def sparse_create(place, table):
    path = place.path("huge.raw")
    with open(path, "wb") as f:
        f.truncate(8 << 40)
        for i in range(2048):
            f.seek(i * (4 << 30))
            f.write(os.urandom(65536))
    peer = Peer(place, "snapfs")
    peer.reset()
    seconds, resident = peer.create(path)
    table.row("8 TiB, sparse, 128 MiB of data: time", [seconds], "s")
    table.row("8 TiB, sparse: peak resident", [resident], "MiB",
              target=("<=", 256))
    os.unlink(path)


def restore(place, table):
    """A whole disk back, beside a copy of the raw file."""
    image = dense_image(place)
    repo = place.new_repo("repo-restore")
    place.create(repo, f"disk={image}")
    out = place.path("restored.raw")
    table.section(f"Restore of the dense image of {place.size // MIB} MiB",
                  "packs and raw file in the page cache; until the data is "
                  "on disk (sync after each)")

    def run(*command):
        if os.path.exists(out):
            os.unlink(out)
        os.sync()
        start = time.monotonic()
        call(*command)
        call("sync", out)
        return time.monotonic() - start

    with Mounted(place, repo, "mnt") as mount:
        path = mount.latest("disk")

        def from_mount(_):
            with open(path, "rb") as f:
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return run("cp", "--sparse=always", path, out)

        values = alternate(place.rounds, {
            "cp": lambda _: run("cp", "--sparse=always", image, out),
            "restore": lambda _: run(place.snapfs, "-q", "-r", repo,
                                     "snapshot", "restore", "disk@latest",
                                     out),
            "mount": from_mount})
    table.row("snapfs snapshot restore", values["restore"], "s",
              "cp of the raw file", values["cp"], speed=False)
    table.row("cp from the mount", values["mount"], "s",
              "cp of the raw file", values["cp"], speed=False)
    run(place.snapfs, "-q", "-r", repo, "snapshot", "restore", "disk@latest",
        out)
    same_bytes(image, out)


def chain(place, table, days):
    """Eight days of a real disk: what is stored, and that it is all there."""
    names = ["snapfs"] + [p for p in ("borg",) if p not in missing("borg")]
    peer = {name: Peer(place, name) for name in names}
    seconds = {name: [] for name in names}
    images = sorted(os.path.join(days, n) for n in os.listdir(days)
                    if n.startswith("day") and n.endswith(".raw"))
    table.section(f"{len(images)} days of a Debian root disk in '{days}'",
                  "as the machine has them; time is that of all snapshots")
    for name in names:
        peer[name].reset()
        for image in images:
            seconds[name].append(peer[name].create(image)[0])
    stored = {n: [tree_bytes(peer[n].repo) / MIB] for n in names}
    total = {n: [sum(seconds[n])] for n in names}
    if "borg" in names:
        table.row("snapfs: stored", stored["snapfs"], "MiB", "borg",
                  stored["borg"], (">=", 1), speed=False)
        table.row("snapfs: all snapshots", total["snapfs"], "s", "borg",
                  total["borg"], speed=False)
    else:
        table.note("not measured: borg is missing")
        table.row("snapfs: stored", stored["snapfs"], "MiB",
                  target=("<=", 866))
    check_chain(place, table, peer["snapfs"].repo, images)


def check_chain(place, table, repo, images):
    snapshots = place.list(repo)["Snapshots"]  # in order of time
    with Mounted(place, repo, "mnt") as mount:
        for image, snapshot in zip(images, snapshots):
            same_bytes(image, mount.image(snapshot["SnapshotId"]))
    table.note(f"all {len(images)} images equal their source byte for byte")
    seconds, _ = timed(place.snapfs, "-r", repo, "check", "--read-data")
    table.row("snapfs check --read-data", [seconds], "s")


SECTIONS = {"depth": depth, "many": many, "limit": limit,
            "second": second_pass, "qemu": qemu, "create": create,
            "restore": restore}
