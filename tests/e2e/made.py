# SPDX-License-Identifier: MIT
"""The ISOs of the cases: the real menu with another default, or a menu of a
case's own, with broken files for the cases that need them."""
import hashlib
import os
import threading

import debugger
import menu

REAL_FILES = {"kvm0.elf": "boot/kvm0.elf", "control.elf": "control.elf", "abi.elf": "abi.elf",
              "bench.elf": "bench.elf", "vmlinuz": "guest/vmlinuz",
              "initrd.gz": "guest/initrd.gz"}


class Isos:
    """Builds each ISO once, when it is first asked for."""

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self._lock = threading.Lock()

    def get(self, case):
        """The path of the case's ISO."""
        if case.entry == "linux":
            return f"{self.build}/kvm0.iso"
        if case.entry:
            cfg = menu.real(case.entry)
            files = sorted(set(menu.files(cfg, case.entry)))
        else:
            cfg, files = menu.own(case.name, case.menu), case.files
        name = hashlib.sha256(repr((cfg, files)).encode()).hexdigest()[:16]
        iso = f"{self.folder}/{name}.iso"
        with self._lock:
            if not os.path.exists(iso):
                menu.build(iso, cfg, [self._file(n) for n in files])
        return iso

    def _file(self, name):
        """The path of a file that a menu names."""
        if name in REAL_FILES:
            return f"{self.build}/{REAL_FILES[name]}"
        path = f"{self.folder}/{name}"
        with open(path, "wb") as f:
            f.write(self._broken(name))
        return path

    def _broken(self, name):
        def head(source, size):
            with open(self._file(source), "rb") as f:
                data = f.read()
            return data[:size(len(data))]
        if name == "text":
            return b"This is neither a kernel nor a control guest.\n" * 200
        if name == "payload":
            return debugger.build_payload(self.folder)
        if name == "short":
            return head("vmlinuz", lambda size: 64 << 10)
        if name == "control-cut.elf":
            return head("control.elf", lambda size: size // 2)
        raise ValueError(f"no file {name!r} for a case")
