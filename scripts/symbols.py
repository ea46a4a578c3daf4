#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn `nm -n` of kvm0 on standard input into the NASM source of its table of
functions, which hv/core/symbols.c reads for back-traces:

    dd count
    dd offset from IMAGE_BASE, offset of the name     (count times, by address)
    db names, each ended by a NUL

Only text symbols go in, so that the table is the same for both links."""
import sys

IMAGE_BASE = 0xFFFFFFFF80000000


def functions(lines):
    """(offset, name) of each function; the first name of each address."""
    found = {}
    for line in lines:
        address, kind, name = line.split()[-3:]
        if kind in "tT" and not name.startswith("."):
            found.setdefault(int(address, 16) - IMAGE_BASE, name)
    return sorted(found.items())


def main():
    table = functions(sys.stdin)
    if not table:
        sys.exit("symbols.py: no functions on standard input")
    print("section .symbols progbits alloc noexec nowrite align=4")
    print("global symbol_table")
    print("symbol_table:")
    print(f"\tdd {len(table)}")
    position = 0
    for offset, name in table:
        print(f"\tdd {offset:#x}, {position}")
        position += len(name) + 1
    for _, name in table:
        print(f'\tdb "{name}", 0')


if __name__ == "__main__":
    main()
