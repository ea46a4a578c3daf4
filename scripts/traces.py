# SPDX-License-Identifier: MIT
"""kvm0's trace as the control guest's order `trace` writes it out: read, and turned into the JSON
of Chrome's trace events, which Perfetto shows, and into a table of exits.

A line for each event, between @@TRACE and @@END: eight words, struct kvm0_trace_event.  What the
words of each type are called is hv/core/trace_text.c's.
"""
import dataclasses
import re

import sources

TEXTS = "hv/core/trace_text.c"
KVM_RUN = 0xae80
NO_VCPU = 0xffff
NOT_ENTERED = 0xffff
CONTROL = 0  # the control guest's number


def texts():
    """The names of the exit reasons, and of each type its name and those of its words."""
    text = sources.read(TEXTS)
    names = re.search(r"names\[\] = \{(.*?)\};", text, re.S)[1]
    reasons = re.findall(r'"(\w+)"|(NULL)', names)
    shapes = re.findall(r'\{"(\w+)",\s*"([^"]+)",\s*\{([^}]*)\}\}', text)
    return ([reason or None for reason, _ in reasons],
            [(name, forms, re.findall(r'"([^"]*)"', words)) for name, forms, words in shapes])


REASONS, TYPES = texts()


@dataclasses.dataclass
class Event:
    """One event; its words as kvm0/abi.h has them."""
    tsc: int
    number: int
    vm: int
    vcpu: int
    cpu: int
    type: str
    what: int
    data: tuple

    def args(self):
        """Its words by their names."""
        _, forms, names = next(shape for shape in TYPES if shape[0] == self.type)
        words = (self.what, *self.data)
        return {name: hex(word) if form == "x" else word
                for form, name, word in zip(forms, names, words) if name and form != "."}


def parse_line(line):
    """The event of a line "T ...", or None: it is none, or not whole."""
    words = line.split()
    if len(words) != 9 or words[0] != "T":
        return None
    try:
        w = [int(word, 16) for word in words[1:]]
    except ValueError:
        return None
    kind = w[2] >> 56
    if any(word >> 64 for word in w) or kind >= len(TYPES):
        return None
    return Event(tsc=w[0], number=w[1], vm=w[2] & 0xffffffff, vcpu=w[2] >> 32 & 0xffff,
                 cpu=w[2] >> 48 & 0xff, type=TYPES[kind][0], what=w[3] & 0xffffffff,
                 data=tuple(w[4:]))


def read(text):
    """The last trace in what a console printed: TSC kHz, and its events in the order of time."""
    blocks = re.findall(r"^@@TRACE (\d+) kHz[^\n]*\n(.*?)^@@END", text.replace("\r", ""),
                        re.M | re.S)
    if not blocks:
        raise ValueError("no lines between @@TRACE and @@END: was the order `trace` given?")
    khz, lines = blocks[-1]
    events = [event for event in map(parse_line, lines.split("\n")) if event]
    return int(khz), sorted(events, key=lambda e: (e.tsc, e.cpu, e.number))


def reason_name(what):
    reason = what & 0xffff
    if reason == NOT_ENTERED:
        return "not entered"
    return (REASONS[reason] if reason < len(REASONS) else None) or f"reason {reason}"


# --- stretches of time ----------------------------------------------------------


@dataclasses.dataclass
class Stretch:
    """A vCPU was in the guest, or kvm0 saw to an exit of it."""
    vm: int
    vcpu: int
    name: str  # "guest", or the exit's
    start: int
    end: int
    args: dict


def stretches(events):
    """All of them in the order of their ends.  One whose begin or end is not in the trace is left
    out, but for the last of each vCPU, which ends with the trace."""
    open_ = {}     # of each vCPU
    last_on = {}   # the vCPU that exited last on each CPU
    done = []

    def close(key, at):
        stretch = open_.pop(key, None)
        if stretch and at > stretch.start:
            stretch.end = at
            done.append(stretch)

    for event in events:
        key = event.vm, event.vcpu
        if event.type in ("entry", "exit"):
            close(key, event.tsc)
            name = "guest" if event.type == "entry" else reason_name(event.what)
            open_[key] = Stretch(*key, name, event.tsc, event.tsc, event.args())
            last_on[event.cpu] = key
        elif event.type == "ioctl" and event.what == KVM_RUN:
            stretch = open_.get(last_on.get(event.cpu))
            if stretch and stretch.name != "guest":
                close(last_on[event.cpu], event.tsc)
    for key in list(open_):
        close(key, events[-1].tsc)
    return done


# --- Chrome's trace events ------------------------------------------------------


def thread(vm, vcpu):
    return {"pid": vm, "tid": 0 if vcpu == NO_VCPU else vcpu + 1}


def names(events):
    """Metadata: what the processes (VMs) and threads (vCPUs) are called."""
    for vm in sorted({e.vm for e in events}):
        yield {"ph": "M", "name": "process_name", "pid": vm, "tid": 0,
               "args": {"name": f"VM {vm}" if vm != CONTROL else "control guest"}}
    for vm, vcpu in sorted({(e.vm, e.vcpu) for e in events}):
        name = "the VM" if vcpu == NO_VCPU else f"{'vCPU' if vm != CONTROL else 'CPU'} {vcpu}"
        yield {"ph": "M", "name": "thread_name", **thread(vm, vcpu), "args": {"name": name}}


def chrome(khz, events):
    """The JSON object, as Python's."""
    def us(tsc):
        return (tsc - events[0].tsc) * 1000 / khz

    out = []
    for stretch in stretches(events):
        where = thread(stretch.vm, stretch.vcpu)
        out.append((stretch.start, 1, {"ph": "B", "name": stretch.name, "cat": "run", **where,
                                       "ts": us(stretch.start), "args": stretch.args}))
        out.append((stretch.end, 0, {"ph": "E", "name": stretch.name, "cat": "run", **where,
                                     "ts": us(stretch.end)}))
    for event in events:
        if event.type not in ("entry", "exit"):
            out.append((event.tsc, 2, {"ph": "i", "s": "t", "name": event.type, "cat": "event",
                                       **thread(event.vm, event.vcpu), "ts": us(event.tsc),
                                       "args": {**event.args(), "cpu": event.cpu}}))
    # Where one stretch ends as the next begins, the end comes first.
    out.sort(key=lambda item: item[:2])
    return {"traceEvents": [*names(events), *(item[2] for item in out)], "displayTimeUnit": "ns",
            "otherData": {"tsc_khz": khz, "first_tsc": events[0].tsc if events else 0}}


def faults(trace):
    """What is wrong with such an object: lines, none if it is well formed."""
    open_, last = {}, {}
    for event in trace["traceEvents"]:
        where = event["pid"], event["tid"]
        if event["ph"] == "M":
            continue
        if event["ts"] < last.get(where, 0):
            yield f"time goes back at {event}"
        last[where] = event["ts"]
        if event["ph"] == "B":
            if open_.setdefault(where, []):
                yield f"two at once: {event}"
            open_[where].append(event["name"])
        elif event["ph"] == "E" and (not open_.get(where) or open_[where].pop() != event["name"]):
            yield f"an end without a beginning: {event}"
    yield from (f"no end of {name} on {where}" for where in open_ for name in open_[where])


# --- the table of exits ---------------------------------------------------------


def table(khz, events):
    """Lines: each exit reason with its count, its ticks in kvm0, and its share of those."""
    sums = {}
    for stretch in stretches(events):
        count, ticks = sums.get(stretch.name, (0, 0))
        sums[stretch.name] = count + 1, ticks + stretch.end - stretch.start
    guest = sums.pop("guest", (0, 0))
    total = sum(ticks for _, ticks in sums.values()) or 1
    yield f"{'exit reason':<22} {'count':>9} {'ticks':>14} {'us':>11} {'average':>9} {'share':>6}"
    for name, (count, ticks) in sorted(sums.items(), key=lambda item: -item[1][1]):
        yield (f"{name:<22} {count:>9} {ticks:>14} {ticks * 1000 // khz:>11} "
               f"{ticks // count:>9} {ticks * 100 / total:>5.1f}%")
    yield f"{'in the guest':<22} {guest[0]:>9} {guest[1]:>14} {guest[1] * 1000 // khz:>11}"
