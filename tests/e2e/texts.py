# SPDX-License-Identifier: MIT
"""What is printed, each in this one place, for the cases to look for."""
from steps import Expect

PANIC = r"^kvm0: panic:"
REFUSED = r"^kvm0: cannot start: "
GUEST_READY = r"^kvm0-guest: ready$"
GUEST_PROMPT = r"guest# "
PROMPT = r"kvm0> "
MONITOR = r"monitor> "

# Lines that end any case.
FAIL = (
    PANIC,
    REFUSED,
    r"Kernel panic",
    r"^\[ *\d+\.\d+\] (?:BUG|WARNING|Oops|general protection fault)",
    r"^load: bad ",  # of the initramfs: scripts/mkinitrd
    r"^error: (?:file `/boot/(?!grub/)|you need to load|out of memory|invalid|unknown command)",  # GRUB's
    r"Failed to boot both default and fallback",  # GRUB's
)


def cpus_up(count):
    """kvm0's summary line."""
    return Expect(rf"^kvm0: [^\n]*\b{count} CPUs?\b[^\n]*\n")


# A boot to the control prompt, with nothing to run.
SMALL_MENU = ("multiboot2 /boot/kvm0.elf loglevel=info", "module2 /boot/control.elf control")
SMALL_FILES = ("kvm0.elf", "control.elf")
