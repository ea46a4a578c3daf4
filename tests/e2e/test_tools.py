#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Tests of the tools that tests rely on: no emulator, some milliseconds."""
import os
import socket
import sys
import tempfile
import time
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts")]

import cases  # noqa: E402
import console  # noqa: E402
import emulator  # noqa: E402
import menu  # noqa: E402
import steps  # noqa: E402
import texts  # noqa: E402
import traces  # noqa: E402
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

    def test_ask_fills_in_what_was_seen(self):
        self.console.deadline += 2
        self.say("a\nrip 12ab\n> b 12ab\nis 12ab, 2 {3}\n> ")
        counter = Counter()
        steps.Ask("first", "a", r"^rip (?P<rip>[0-9a-f]{4})$", "> ").do(self.console, counter)
        steps.Ask("second", "b {rip}", r"^is {rip}, \d{1} \{3}$", "> ").do(self.console, counter)
        self.assertEqual(counter.lines, [("ok", "first"), ("ok", "second")])

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


class SymbolizeTest(unittest.TestCase):
    def test_lines_below_addresses(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/addr2line", "w", encoding="ascii") as f:
                f.write("#!/bin/sh\nprintf '0xffffffff80001234\\ninner\\n%s/hv/a.c:5\\nouter\\n"
                        f"b.c:7 (discriminator 2)\\n' {steps.symbolize.ROOT.rstrip('/')}\n")
            os.chmod(f"{folder}/addr2line", 0o755)
            with unittest.mock.patch.dict(os.environ, CROSS_COMPILE=f"{folder}/"):
                text = steps.symbolize.symbolize(
                    "x\nat ffffffff80001234 outer+0x4\nrip ffffffff80001234\n", "none.elf")
        self.assertEqual(text, "x\nat ffffffff80001234 outer+0x4\n   inner at hv/a.c:5\n"
                               "   outer at b.c:7\nrip ffffffff80001234\n")


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


def event_line(tsc, number, kind, what=0, data=(), vm=1, vcpu=0, cpu=0):
    """A line as the control guest's order `trace` writes it."""
    kind = [name for name, _, _ in traces.TYPES].index(kind)
    words = (tsc, number, vm | vcpu << 32 | cpu << 48 | kind << 56, what, *data)
    return "T " + " ".join(f"{w:x}" for w in (*words, *[0] * (8 - len(words))))


class TraceTest(unittest.TestCase):
    # Out of order, as CPU 1 comes after CPU 0: exits for CPUID and HLT, and an entry that a kick
    # prevented.
    LINES = (
        event_line(1000, 1, "entry", data=(0xfff0,)), event_line(3000, 2, "exit", 10),
        event_line(3100, 3, "cpuid", 0x40000000), event_line(3500, 4, "entry"),
        event_line(9000, 5, "exit", 12),
        event_line(9100, 6, "ioctl", traces.KVM_RUN, (5, 0, 2), vm=0),
        event_line(9500, 7, "slot", 3, vcpu=traces.NO_VCPU),
        event_line(2000, 1, "entry", vcpu=1, cpu=1),
        event_line(2500, 2, "exit", traces.NOT_ENTERED, vcpu=1, cpu=1),
        "[    0.1] a guest writes", "T 1 2 3", "T 1 2 ff00000000000000 4 5 6 7 8",
    )

    def read(self):
        return traces.read("@@TRACE 1 kHz, on: x\n@@END\r\nx\r\n@@TRACE 1000 kHz, on: all\r\n" +
                           "\r\n".join(self.LINES) + "\r\n@@END\r\n")

    def test_read(self):
        khz, events = self.read()
        self.assertEqual((khz, len(events)), (1000, 9))
        self.assertEqual([e.tsc for e in events], sorted(e.tsc for e in events))
        self.assertEqual(events[0].args()["rip"], "0xfff0")
        self.assertEqual(events[4].args()["leaf"], "0x40000000")
        for text in ("", "@@TRACE 1 kHz, on: x\nT 1\n"):
            with self.assertRaises(ValueError):
                traces.read(text)

    def test_chrome(self):
        trace = traces.chrome(*self.read())
        self.assertEqual(list(traces.faults(trace)), [])
        runs = [(e["ph"], e["name"], e["pid"], e["tid"], e["ts"])
                for e in trace["traceEvents"] if e["ph"] in "BE" and e["tid"] == 1]
        self.assertEqual(runs, [
            ("B", "guest", 1, 1, 0), ("E", "guest", 1, 1, 2000),
            ("B", "CPUID", 1, 1, 2000), ("E", "CPUID", 1, 1, 2500),
            ("B", "guest", 1, 1, 2500), ("E", "guest", 1, 1, 8000),
            ("B", "HLT", 1, 1, 8000), ("E", "HLT", 1, 1, 8100)])
        named = {e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M"}
        self.assertEqual(named, {"VM 1", "control guest", "vCPU 0", "vCPU 1", "CPU 0", "the VM"})

    def test_faults_are_found(self):
        for broken in (lambda events: events.reverse(),
                       lambda events: events.remove(next(e for e in events if e["ph"] == "B")),
                       lambda events: events.remove(next(e for e in events if e["ph"] == "E"))):
            trace = traces.chrome(*self.read())
            broken(trace["traceEvents"])
            self.assertNotEqual(list(traces.faults(trace)), [])

    def test_table(self):
        lines = list(traces.table(*self.read()))
        self.assertIn(["CPUID", "1", "500", "500", "500", "6.6%"], [ln.split() for ln in lines])
        self.assertIn(["in", "the", "guest", "3", "8000", "8000"], [ln.split() for ln in lines])

    def test_names_are_kvm0s(self):
        self.assertEqual([traces.REASONS[n] for n in (0, 10, 30, 48, 64)],
                         ["EXCEPTION_NMI", "CPUID", "IO", "EPT_VIOLATION", "XRSTORS"])
        abi = traces.sources.read("hv/include/kvm0/abi.h")
        for n, (name, _, _) in enumerate(traces.TYPES):
            self.assertRegex(abi, rf"#define KVM0_TRACE_{name.upper()} +{n} ")


if __name__ == "__main__":
    unittest.main()
