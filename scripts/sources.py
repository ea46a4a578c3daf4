# SPDX-License-Identifier: MIT
"""The project's own source files, as paths from its top folder."""
import os

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("boot", "arch", "hv", "guest", "tests", "scripts", ".ci")


def files(folders=FOLDERS, suffixes=()):
    """All files below the folders, sorted; with suffixes, only those that end so."""
    found = []
    for folder in folders:
        for path, subfolders, names in os.walk(os.path.join(TOP, folder)):
            subfolders[:] = [s for s in subfolders if s != "__pycache__"]
            found += [os.path.relpath(os.path.join(path, n), TOP) for n in names]
    return sorted(f for f in found if not suffixes or f.endswith(tuple(suffixes)))


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()
