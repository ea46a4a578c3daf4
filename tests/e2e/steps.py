# SPDX-License-Identifier: MIT
"""The steps that a case is made of, and the case itself: data for run.py."""
import dataclasses
import datetime
import importlib.machinery
import json
import os
import re
import time

import traces
from console import Failure

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")
symbolize = importlib.machinery.SourceFileLoader(
    "symbolize", os.path.join(SCRIPTS, "symbolize")).load_module()


@dataclasses.dataclass(frozen=True)
class Expect:
    """Wait for a regular expression."""
    pattern: str
    seconds: float | None = None

    def do(self, console, case_report):
        console.expect(self.pattern, self.seconds)


@dataclasses.dataclass(frozen=True)
class Send:
    """Type a line."""
    line: str

    def do(self, console, case_report):
        console.send(self.line + "\r")


@dataclasses.dataclass(frozen=True)
class Key:
    """Press one key."""
    key: str

    def do(self, console, case_report):
        console.send(self.key)


@dataclasses.dataclass(frozen=True)
class Paste:
    """Type as fast as the line lets it."""
    text: str

    def do(self, console, case_report):
        console.serial.sendall(self.text.encode())


@dataclasses.dataclass(frozen=True)
class Ask:
    """Type a command at a prompt; its output has to match, and the prompt comes back.

    Counts as a test of its own, @name.  What a named group of @answer matches is kept, and can be
    had as {name} in lines and answers from then on.
    """
    name: str
    line: str
    answer: str
    prompt: str
    seconds: float = 60

    def do(self, console, case_report):
        start = len(console.text)
        line, answer = console.fill(self.line), console.fill(self.answer)
        console.send(line + "\r")
        console.expect(re.escape(line) + r".*\n", self.seconds)  # its echo
        begin = console.seen
        console.expect("^" + self.prompt, self.seconds)
        match = re.search(answer, console.text[begin:console.seen], re.MULTILINE)
        if not match:
            raise Failure(f"{self.name}: {line!r} answers {console.text[start:]!r}, "
                          f"not /{answer}/")
        console.kept.update(match.groupdict())
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class Twice:
    """Type a command at a prompt twice: whether what the pattern's group matches has changed."""
    name: str
    line: str
    answer: str
    changes: bool
    prompt: str
    seconds: float = 2  # of wall clock between

    def look(self, console):
        console.send(self.line + "\r")
        found = console.expect(self.answer, 60)[1]
        console.expect("^" + self.prompt, 60)
        return found

    def do(self, console, case_report):
        before = self.look(console)
        time.sleep(self.seconds)
        after = self.look(console)
        if (before != after) != self.changes:
            raise Failure(f"{self.name}: {before!r}, then {after!r}")
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class Date:
    """Type a command that shows the date and time, as YYYY-MM-DD HH:MM:SS."""
    line: str
    prompt: str

    def do(self, console, case_report):
        console.send(self.line + "\r")
        match = console.expect(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\b.*\n")
        console.dates.append(datetime.datetime.fromisoformat(match[1]))
        console.expect("^" + self.prompt)


@dataclasses.dataclass(frozen=True)
class DatesInOrder:
    """The dates shown so far go forward: clocks that were asked by turns agree to @seconds."""
    name: str
    seconds: int

    def do(self, console, case_report):
        for earlier, later in zip(console.dates, console.dates[1:]):
            if later < earlier - datetime.timedelta(seconds=self.seconds):
                raise Failure(f"{self.name}: {later} was shown after {earlier}")
        if len(console.dates) < 3:
            raise Failure(f"{self.name}: only {len(console.dates)} dates were shown")
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class Rate:
    """Type `stats` at @prompt, the control guest's, twice: how much @counter has grown a second."""
    name: str
    counter: str
    most: float  # a second of the machine's time
    prompt: str
    seconds: float = 4  # of wall clock between

    def look(self, console):
        console.send("stats\r")
        console.expect(r"^after (?=\d+ ms of this machine's time)")
        begin = console.seen
        console.expect("^" + self.prompt)
        shown = console.text[begin:console.seen]
        counts = re.findall(rf"^vCPU \d+:.* {self.counter} (\d+)", shown, re.MULTILINE)
        return int(shown.split()[0]) / 1000, sum(map(int, counts))

    def do(self, console, case_report):
        start, before = self.look(console)
        time.sleep(self.seconds)
        end, after = self.look(console)
        rate = (after - before) / (end - start)
        if end - start < 1 or rate > self.most:
            raise Failure(f"{self.name}: {after - before} {self.counter} in {end - start:.2f} s")
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class TraceFile:
    """Type `trace` at @prompt, the control guest's: what it writes out is a trace of at least
    @events, with all of @types among them, of which well-formed JSON and a table can be made."""
    name: str
    events: int
    types: tuple
    prompt: str
    seconds: float = 120

    def do(self, console, case_report):
        begin = console.seen
        console.send("trace\r")
        console.expect("^@@END", self.seconds)
        khz, events = traces.read(console.text[begin:console.seen])
        console.expect("^" + self.prompt)
        if len(events) < self.events:
            raise Failure(f"{self.name}: {len(events)} events")
        missing = set(self.types) - {event.type for event in events}
        if missing:
            raise Failure(f"{self.name}: no events of {missing}")
        trace = json.loads(json.dumps(traces.chrome(khz, events)))
        wrong = [*traces.faults(trace), *(f"not all there: {event}" for event in trace["traceEvents"]
                                          if not {"ph", "pid", "tid", "name"} <= event.keys())]
        if wrong:
            raise Failure(f"{self.name}: {len(wrong)} faults, the first {wrong[0]}")
        if len(list(traces.table(khz, events))) < 4:
            raise Failure(f"{self.name}: the table has no exits")
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class Once:
    """A pattern that matches exactly one line of all that was printed so far."""
    pattern: str

    def do(self, console, case_report):
        lines = [line for line in console.text.split("\n") if re.search(self.pattern, line)]
        if len(lines) != 1:
            raise Failure(f"{len(lines)} lines match /{self.pattern}/: {lines}")


@dataclasses.dataclass(frozen=True)
class PanicElsewhere:
    """In the monitor, on two CPUs: a panic on the one that does not run @vcpu, which is in guest
    code then: {stopped} is its rip.  Leaves off behind the line that says so."""
    name: str
    vcpu: str
    prompt: str

    def do(self, console, case_report):
        console.send(f"vcpu {self.vcpu}\r")
        cpu = int(console.expect(r"last on CPU ([01])\n")[1])
        console.expect("^" + self.prompt)
        console.send(f"panic {1 - cpu}\r")
        console.expect(rf"^kvm0: panic: CPU {1 - cpu}: \S+:\d+: ")
        match = console.expect(rf"^kvm0: panic: CPU {cpu} was in vCPU {self.vcpu}: "
                               r"rip ([0-9a-f]{16}) [^\n]*\n")
        console.kept["stopped"] = match[1]
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class Traced:
    """The file and line that the last panic names are, by the debug information, those of the first
    address of its back-trace, in @function, and there the source has @source."""
    name: str
    function: str
    source: str

    def do(self, console, case_report):
        panic = re.findall(r"^kvm0: panic: CPU \d+: (\S+):(\d+): ", console.text, re.MULTILINE)
        back_trace = console.text[console.text.rindex("panic: back-trace:"):]
        address = re.search(r"panic:   at   ([0-9a-f]{16}) " + self.function, back_trace)
        if not panic or not address:
            raise Failure(f"{self.name}: no panic in {self.function}")
        file, line = panic[-1]
        places = symbolize.places(f"{case_report.build}/kvm0.elf", [address[1]])[address[1]]
        if f"{self.function} at {file}:{line}" not in places:
            raise Failure(f"{self.name}: {address[1]} is {places}, not {file}:{line}")
        with open(os.path.join(symbolize.ROOT, file), encoding="utf-8") as f:
            text = f.read().split("\n")[int(line) - 1]
        if self.source not in text:
            raise Failure(f"{self.name}: {file}:{line} is {text!r}")
        case_report.ok(self.name)


@dataclasses.dataclass(frozen=True)
class Results:
    """Tests that report for themselves: each line counts, and their sum has to come.

    The lines: `ok NAME`, `not ok NAME: why`, `skip NAME: why`, at last
    `abi: N passed, N failed, N skipped`; see tests/abi/check.h.
    """
    line = r"^(ok|not ok|skip) ([^\s:]+)(?:: (.*))?$"
    sum = r"^abi: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$"

    def do(self, console, case_report):
        count = {"ok": 0, "not ok": 0, "skip": 0}
        while True:
            match = console.expect(f"(?:{self.line}|{self.sum})(?=\n)")
            verdict, name, why = match[1], match[2], match[3]
            if not verdict:
                break
            count[verdict] += 1
            if verdict == "ok":
                case_report.ok(name)
            elif verdict == "skip":
                case_report.skip(name, why)
            else:
                case_report.failed(name, why or "no reason given")
        told = [int(n or 0) for n in match.groups()[3:6]]
        if told != list(count.values()):
            raise Failure(f"{match[0]!r}, but {count} were printed")
        if not count["ok"]:
            raise Failure("no test passed")


@dataclasses.dataclass(frozen=True)
class Case:
    """One boot."""
    name: str
    steps: tuple
    limit: int  # seconds of wall clock, on a machine that runs two cases at once
    end: str = "off"  # off: the machine ends; halt: it prints no more, and stays on
    # What to boot: an entry of the real menu, or lines of a menu entry and the
    # files for it, from the build folder or of made.py.
    entry: str | None = "linux"
    menu: tuple = ()
    files: tuple = ()
    # On which machine; see scripts/emulator.py.
    emulator: str = "bochs"
    firmware: str = "bios"
    model: str = "corei7_haswell_4770"
    cpus: int = 1
    mem: int = 512
    com2: bool = False
    allow: tuple = ()  # of the failure patterns: what this case is there to see
    tolerate: str | None = None  # lines with this are no failure, whatever they match
