#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Tests of the tools that tests rely on: no emulator, some milliseconds."""
import os
import socket
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts")]

import cases  # noqa: E402
import console  # noqa: E402
import emulator  # noqa: E402
import menu  # noqa: E402
import steps  # noqa: E402
import texts  # noqa: E402
import unit  # noqa: E402


class Counter:
    """A case's report that remembers."""

    def __init__(self):
        self.lines = []

    def ok(self, name):
        self.lines.append(("ok", name))

    def skip(self, name, why):
        self.lines.append(("skip", name, why))

    def failed(self, name, why):
        self.lines.append(("failed", name, why))


class ConsoleTest(unittest.TestCase):
    def setUp(self):
        self.machine, ours = socket.socketpair()
        self.addCleanup(self.machine.close)
        self.addCleanup(ours.close)
        log = tempfile.TemporaryFile()
        self.addCleanup(log.close)
        self.console = console.Console(ours, log, time.time() + 0.3, texts.FAIL)

    def say(self, text):
        self.machine.sendall(text.encode())

    def test_expect_goes_forward(self):
        self.say("one\ntwo\none\n")
        for pattern in ("one", "two", "^one$"):
            self.console.expect(pattern)
        with self.assertRaisesRegex(console.Failure, "timeout"):
            self.console.expect("one")

    def test_escapes_are_removed_even_when_cut(self):
        self.console.deadline += 2
        self.say("a\x1b[1;3")
        self.console.expect_silence(0.1)
        self.say("4Hb\r\n")
        self.console.expect("^ab$")

    def test_fail_pattern(self):
        self.say("fine\nkvm0: panic: CPU 0: oh\n")
        with self.assertRaisesRegex(console.Failure, "panic: CPU 0"):
            self.console.expect("never")

    def test_end_before_the_text(self):
        self.say("half")
        self.machine.close()
        with self.assertRaisesRegex(console.Failure, "ended before"):
            self.console.expect("whole")

    def test_end_closes_the_last_line(self):
        self.say("last")
        self.machine.close()
        self.console.expect("^last\n")

    def test_silence(self):
        self.console.expect_silence(0.05)
        self.machine.close()
        with self.assertRaisesRegex(console.Failure, "should have halted"):
            self.console.expect_silence(0.05)

    def test_results(self):
        self.say("# x\nok a\nkvm0: log line\nskip b: why\nnot ok c: f.c:1: bad\n"
                 "abi: 1 passed, 1 failed, 1 skipped\n")
        counter = Counter()
        steps.Results().do(self.console, counter)
        self.assertEqual(counter.lines, [("ok", "a"), ("skip", "b", "why"),
                                         ("failed", "c", "f.c:1: bad")])

    def test_results_with_a_wrong_sum(self):
        self.say("ok a\nabi: 2 passed, 0 failed, 0 skipped\n")
        with self.assertRaisesRegex(console.Failure, "were printed"):
            steps.Results().do(self.console, Counter())

    def test_results_without_an_end(self):
        self.say("ok a\n")
        self.machine.close()
        with self.assertRaisesRegex(console.Failure, "ended before"):
            steps.Results().do(self.console, Counter())

    def test_refusal_is_one_line_with_a_remedy(self):
        wait, once = cases.refusal("EPT")
        com1 = self.console
        com1.fail = []
        self.say("kvm0: cannot start: CPU 0 has no EPT; use a later one\n")
        wait.do(com1, None)
        once.do(com1, None)
        self.say("kvm0: cannot start: CPU 0 has no EPT\n")
        with self.assertRaises(console.Failure):
            wait.do(com1, None)
        with self.assertRaises(console.Failure):
            once.do(com1, None)


class TapTest(unittest.TestCase):
    def test_parse(self):
        planned, results = unit.parse("1..2\nok 1 - a\nnot ok 2 - b\n# why\n")
        self.assertEqual(planned, 2)
        self.assertEqual(results, [("a", True, []), ("b", False, ["# why"])])


class MenuTest(unittest.TestCase):
    def test_every_entry_of_a_case_is_in_the_menu(self):
        for entry in {c.entry for c in cases.CASES if c.entry}:
            self.assertIn("kvm0.elf", menu.files(menu.real(entry), entry))

    def test_default(self):
        self.assertIn("\nset default=abi\n", menu.real("abi"))

    def test_names_of_cases_differ(self):
        self.assertEqual(len({c.name for c in cases.CASES}), len(cases.CASES))


class EmulatorTest(unittest.TestCase):
    def test_bochs_keeps_at_most_2_gib_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            emulator.bochs_command(emulator.Machine(iso="x.iso", dir=folder, mem=3072), 1, None)
            with open(f"{folder}/bochsrc", encoding="ascii") as f:
                self.assertIn("memory: guest=3072, host=2048\n", f.read())


if __name__ == "__main__":
    unittest.main()
