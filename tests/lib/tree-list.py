#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tree-list.py DIR: one line for each thing below DIR, with all that a copy
should keep: so that two trees can be compared with diff. The size of a
directory and the lost+found of a file system are left out."""
import hashlib
import os
import stat
import sys


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def attributes(path):
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return {n: os.getxattr(path, n, follow_symlinks=False) for n in names}


def main():
    root = os.fsencode(sys.argv[1])
    first = {}
    for where, dirs, files in os.walk(root):
        if where == root:
            dirs[:] = [d for d in dirs if d != b"lost+found"]
        dirs.sort()
        for name in sorted(dirs + files):
            path = os.path.join(where, name)
            st = os.lstat(path)
            short = os.path.relpath(path, root)
            line = [repr(short), stat.filemode(st.st_mode), st.st_uid,
                    st.st_gid, st.st_mtime_ns, attributes(path)]
            if not stat.S_ISDIR(st.st_mode):
                line += [st.st_size, st.st_rdev, "links", st.st_nlink,
                         repr(first.setdefault(st.st_ino, short))]
            if stat.S_ISLNK(st.st_mode):
                line.append(repr(os.readlink(path)))
            if stat.S_ISREG(st.st_mode):
                line.append(digest(path))
            print(*line)


main()
