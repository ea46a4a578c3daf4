# SPDX-License-Identifier: MIT
"""GRUB menus for machines that nobody watches: the real one with another default
entry, and ISOs made of them."""
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERIAL = "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n"


def real(entry):
    """boot/grub.cfg with @entry chosen at once."""
    with open(f"{TOP}/boot/grub.cfg", encoding="utf-8") as f:
        cfg = f.read()
    if not body(cfg, entry):
        raise ValueError(f"no menu entry {entry!r}")
    cfg = re.sub(r"(?m)^set default=.*$", f"set default={entry}", cfg)
    return re.sub(r"(?m)^set timeout=.*$", "set timeout=0", cfg)


def body(cfg, entry):
    """The lines of a menu entry."""
    match = re.search(rf'^menuentry "[^"]*" --id {re.escape(entry)} {{\n(.*?)^}}', cfg, re.M | re.S)
    return match[1] if match else ""


def files(cfg, entry):
    """The names of the files below /boot that an entry loads."""
    return re.findall(r" /boot/(\S+)", body(cfg, entry))


def own(title, lines):
    """A menu of one entry, chosen at once."""
    inner = "\n".join(f"\t{line}" for line in lines)
    return f'{SERIAL}set timeout=0\nmenuentry "{title}" {{\n{inner}\n}}\n'


def build(iso, cfg, paths):
    """Make an ISO of a menu and files.  Returns its path."""
    with open(f"{iso}.cfg", "w", encoding="utf-8") as f:
        f.write(cfg)
    subprocess.run([f"{TOP}/scripts/mkiso", iso, f"{iso}.cfg", *paths], check=True,
                   capture_output=True, text=True)
    return iso
