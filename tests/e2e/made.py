# SPDX-License-Identifier: MIT
"""The ISOs of the cases: the real menu with another default, or a menu of a
case's own, with broken files for the cases that need them."""
import hashlib
import os
import re
import subprocess
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REAL_FILES = ("kvm0.elf", "control.elf", "abi.elf", "bench.elf", "vmlinuz", "initrd.gz")
SERIAL = "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n"


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
        cfg, files = self._real_menu(case) if case.entry else self._own_menu(case)
        name = hashlib.sha256(repr((cfg, files)).encode()).hexdigest()[:16]
        iso = f"{self.folder}/{name}.iso"
        with self._lock:
            if not os.path.exists(iso):
                with open(f"{self.folder}/{name}.cfg", "w", encoding="ascii") as f:
                    f.write(cfg)
                paths = [self._file(n) for n in files]
                subprocess.run([f"{TOP}/scripts/mkiso", iso, f"{self.folder}/{name}.cfg", *paths],
                               check=True, capture_output=True, text=True)
        return iso

    def _real_menu(self, case):
        """The real menu with the case's entry as the default, and only its files."""
        with open(f"{TOP}/boot/grub.cfg", encoding="utf-8") as f:
            cfg = f.read()
        entry = re.search(rf'^menuentry "[^"]*" --id {case.entry} {{\n(.*?)^}}', cfg, re.M | re.S)
        cfg = re.sub(r"(?m)^set default=.*$", f"set default={case.entry}", cfg)
        cfg = re.sub(r"(?m)^set timeout=.*$", "set timeout=0", cfg)
        used = set(re.findall(r"/boot/(\S+)", entry[1]))
        return cfg, tuple(n for n in REAL_FILES if n in used)

    @staticmethod
    def _own_menu(case):
        lines = "\n".join(f"\t{line}" for line in case.menu)
        return f'{SERIAL}set timeout=0\nmenuentry "{case.name}" {{\n{lines}\n}}\n', case.files

    def _file(self, name):
        """The path of a file that a menu names."""
        real = {"vmlinuz": "guest/vmlinuz", "initrd.gz": "guest/initrd.gz"}
        if name in REAL_FILES:
            return f"{self.build}/{real.get(name, 'boot/' + name)}"
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
        if name == "short":
            return head("vmlinuz", lambda size: 64 << 10)
        if name == "control-cut.elf":
            return head("control.elf", lambda size: size // 2)
        raise ValueError(f"no file {name!r} for a case")
