# SPDX-License-Identifier: MIT
"""Cases of debugging by the serial line: kvm0's monitor, and panics."""
from state_steps import STATE
from steps import Ask, Case, Expect, Key, PanicElsewhere, Send, Traced, TraceFile, Twice
from texts import (GUEST_PROMPT, GUEST_READY, MONITOR, PANIC, PROMPT, SMALL_FILES, SMALL_MENU,
                   cpus_up)

ESCAPE = Key("\x1c")
OPEN = (ESCAPE, Expect("^" + MONITOR))


def ask(name, line, answer):
    return Ask("monitor: " + name, line, answer, MONITOR)


def monitor(*steps):
    """Open the monitor, and leave it."""
    return (*OPEN, *steps, Send("exit"))


# The guest notes the time again and again while it is looked at.
WATCH_TIME = Ask("guest's time is watched",
                 "(while :; do cat /proc/uptime; usleep 100000; done > /tmp/up) &", "", GUEST_PROMPT)
TIME_WENT_ON = (
    Key("\r"), Expect("^" + GUEST_PROMPT),
    Ask("guest's time went forward", "awk '$1<l{b=1}{l=$1}END{print (NR>20),b+0}' /tmp/up", "^1 0$", GUEST_PROMPT),
)

GENERAL = (
    ask("help", "help", r"(?s)^help .*^poweroff .*^vm N .*"),
    ask("help for one", "help cpus", r"\A[\r\n]*cpus +the machine's CPUs\n\Z|^cpus +the machine's CPUs$"),
    ask("cpus", "cpus", r"(?s)^ *0 +\d+ +[1-9]\d* +works for the monitor$.*^ *1 +\d+ +[1-9]\d* +parked$"),
    ask("param shows all", "param", r"(?s)^ept=Y  \(has no other value\)$.*^halt_poll_ns=\d+$"),
    ask("param shows one", "param loglevel", r"^loglevel=info$"),
    ask("param changes it", "param halt-poll-ns 12345", r"^halt_poll_ns=12345$"),
    ask("param: bad value", "param halt_poll_ns many", r"^bad value 'many'\n+halt_poll_ns=12345$"),
    ask("param: at boot only", "param vpid N", r"^param: it cannot be changed at run time$"),
    ask("param: no other value", "param ept N", r"^it has no other value: \w+"),
    ask("param: unknown", "param colour", r"^param: there is none of that name or number$"),
    ask("log's end", "log 2", r"^kvm0: [^\n]*\n+kvm0: [^\n]*\n"),
    ask("whole log", "log all", r"(?s)^kvm0: cpu: 0: .*^kvm0: boot: 2 CPUs up"),
    ask("no log of a run before", "log before", r"^log: there is none of that name or number$"),
    ask("heap", "heap", r"(?s)^pool: \d+ pages of 4 KiB, [1-9]\d* free.*^ +64 +\d+ +\d+$"),
)

WRONG = (
    ask("unknown command", "frobnicate", r"^unknown command; try help$"),
    ask("missing argument", "vm", r"^vm: usage: vm N$"),
    ask("bad number", "vm 1x", r"^vm: usage: vm N$"),
    ask("no such VM", "vm 99", r"^vm: there is none of that name or number$"),
    ask("not for the control guest", "stop 0", r"^stop: that is the control guest: not for it$"),
    ask("no such CPU", "nmi 0.7", r"^nmi: there is none of that name or number$"),
    Send("x" * 300), Expect("^that line is too long\n"), Expect("^" + MONITOR),
    Key("\x80\xff\x01\x1b[;\x1b\x00\x7f\x7f\r"), Expect("^" + MONITOR),
    Key("par\t lo\t\r"), Expect("^loglevel=info$"), Expect("^" + MONITOR),
    Key("\x1b[A\r"), Expect("^loglevel=info$"), Expect("^" + MONITOR),
)


def entries(name, changes):
    return Twice(name, "vm 1", r"vCPU 1\.0: [^\n]* (\d+) entries;", changes, MONITOR)


CONTROL = (
    ask("vms", "vms", r"^ *1 +1 +\d+ +\d+ MiB +\d+ *$"),
    ask("vm", "vm 1", r"(?s)^VM 1: 1 vCPUs, .*^  vCPU 1\.0: .* entries; "),
    entries("guest runs while somebody types", True),
    ask("stop", "stop 1", ""),
    ask("it is stopped", "vms", r"^ *1 +1 .* stopped$"),
    entries("a stopped VM does not run", False),
    ask("resume", "resume 1", ""),
    entries("it goes on", True),
    ask("nmi", "nmi 1.0", ""),
)

# The boot is traced with all types of events on, and its exits are timed.
TRACED_BOOT = (
    Expect(GUEST_PROMPT), Key("\x1d"), Expect("^" + PROMPT),
    TraceFile("the trace of a boot", 1000, ("entry", "exit", "msr", "timer", "ioctl"), PROMPT),
    Ask("trace is on again", "param trace", r"^ *trace=all$", PROMPT),
    Ask("... and off", "param trace none", r"^ *trace=none$", PROMPT),
    Send("attach 1"), Expect(r"has the console"), Key("\r"),
)
COUNTED = (
    ask("stats", "stats", r"(?s)^kvm$.*^  exits +\d{4,}$.*^  exit EPT_VIOLATION +\d+ .* ticks, \d+ each$"),
    ask("stats of a VM", "stats 1", r"(?s)^kvm-1$.*^  pages_2m +\d+$.*^  halt_exits +\d+$"),
    ask("stats of a vCPU", "stats 1.0", r"(?s)^kvm-1/vcpu-0$.*^  guest_ticks +\d{6,}$"),
    ask("stats of none", "stats 7.0", r"^stats: there is none of that name or number$"),
    ask("trace tells its state", "trace", r"^on: none$\n^CPU 0: \d+ events kept$\n^CPU 1: \d+"),
    ask("trace is cleared", "trace clear", r"^CPU 0: 0 events kept$"),
    ask("no exit is traced", "vcpu 1.0", r"^no exits of it in the trace: "),
    ask("all types are switched on", "trace on all", r"^on: all$"),
    Send("top"), Expect(r"exits/s by reason\n +1\.0 +\d+ +\d+ +\d+ +\d+%  \w+ \d+"),
    Expect(r"exits/s by reason\n +1\.0 "), Expect(r"exits/s by reason\n +1\.0 "),
    Key("q"), Expect("^" + MONITOR),
    ask("trace shows events", "trace show 300",
        r"(?s)\b1\.0  entry event .*\b1\.0  exit \w+ qual .*\bioctl 0xae80 handle \d+"),
    ask("trace shows a CPU's", "trace show 1 0", r"^ +\d+\.\d{6}  0 \d\.\d +\w+"),
    ask("vcpu: its last exits, in order", "vcpu 1.0",
        r"(?:^ +\d+\.\d{6} [ \d]\d 1\.0  exit \w+ qual 0x[0-9a-f]+ rip 0x[0-9a-f]+[^\n]*\n){8}" + MONITOR),
    ask("trace of no CPU", "trace show 1 9", r"^trace: there is none of that name or number$"),
    ask("a type is switched off", "trace off entry,exit", r"^on: inject,ept,mmio,"),
    ask("no such type", "trace on exits", r"^trace: usage: trace \["),
    ask("all are", "trace off all", r"^on: none$"),
)

# The control guest hangs with interrupts off, and then breaks by an NMI.
HANGS = (
    Send("hang"), Expect("^this CPU hangs now"),
    *OPEN,
    ask("a control guest that hangs", "cpus", r"^ *0 +\d+ +\d+ +works for the monitor$"),
    Send("nmi 0.0"), Expect("^" + MONITOR), Send("exit"),
    Expect(r"^CPU 0: unexpected exception 2 \(NMI\)"), Expect("^This control guest is broken"),
    *OPEN, ask("one that has halted", "vms", r"^ VM +vCPUs"),
)

HALTED = Expect(r"^kvm0: panic: halted\n")

PANIC_CASES = (
    Case(name="panic", entry="control", cpus=2, limit=180, end="halt", allow=(PANIC,), steps=(
        # It takes a while to decompress itself, and has no reason to exit then.
        Expect("^" + PROMPT), Send("run vmlinuz mem=96M -- console=ttyS0"),
        Expect(r"has the console"), *OPEN,
        PanicElsewhere("a panic while another CPU runs a guest", "1.0", MONITOR),
        Traced("function and line of a panic", "crash_on_demand", 'panic("'),
        Expect("^" + MONITOR),
        Ask("cpus after a panic", "cpus", r"^ +\d +\d+ +\d+  stopped$", MONITOR),
        Ask("vms after a panic", "vms", r"^ +1 +1 +2 +95 MiB\b", MONITOR),
        Ask("vcpu after a panic", "vcpu 1.0", r"^rip {stopped}  rflags", MONITOR),
        Ask("vmcs after a panic", "vmcs 1.0 guest rip", r"^681e  Guest RIP +{stopped}$", MONITOR),
        Ask("mem after a panic", "mem 1:0x100000 16", r"^0000000000100000  (?:[0-9a-f]{2} ){16}",
            MONITOR),
        Ask("clock after a panic", "clock 1", r"^vCPU 1\.0: TSC of \d+ kHz", MONITOR),
        Ask("a mistake after a panic", "vcpu 1.9", r"there is none of that", MONITOR),
        Send("panic"), Expect(r"^kvm0: panic: CPU \d: another one inside this panic: "), HALTED)),
    # One CPU: after a reset of several the time of Bochs 2.7 stands still.
    Case(name="panic-reboot", entry="control", limit=120, end="halt", allow=(PANIC,), steps=(
        Expect("^" + PROMPT), *OPEN,
        Ask("panic= can be changed", "param panic reboot,1", r"^panic=reboot,1$", MONITOR),
        Send("panic"), Expect(r"the machine is reset in 1 s"), Expect("^" + PROMPT),
        *OPEN, Send("panic fault"),
        Expect(r"^kvm0: panic: CPU 0: exception #PF page fault, vector 14, error code 0x0\n"),
        Expect(r"^kvm0: panic: cr0 [0-9a-f]+ cr2 0{15}2 "),
        Expect(r"^kvm0: panic:   at   [0-9a-f]{16} run_panic\+"), Expect("^" + MONITOR),
        Send("exit"), HALTED)),
    Case(name="panic-halt", entry=None, limit=90, end="halt", allow=(PANIC,), files=SMALL_FILES,
         menu=(SMALL_MENU[0] + " panic=halt", SMALL_MENU[1]),
         steps=(Expect("^" + PROMPT), *OPEN, Send("panic"), HALTED)),
)


DEBUG_CASES = (
    Case(name="monitor", cpus=2, limit=700, entry=None,
         files=("kvm0.elf", "control.elf", "vmlinuz", "initrd.gz"),
         menu=("multiboot2 /boot/kvm0.elf loglevel=info trace=all exit_ticks=on",
               "module2 /boot/control.elf control run vmlinuz initrd=initrd.gz mem=256M "
               "-- console=ttyS0",
               "module2 --nounzip /boot/vmlinuz vmlinuz",
               "module2 --nounzip /boot/initrd.gz initrd.gz"),
         steps=(cpus_up(2), Expect(GUEST_READY), *TRACED_BOOT, *STATE, Key("\r"), Expect("^" + GUEST_PROMPT),
                WATCH_TIME, *monitor(*GENERAL, *WRONG, *COUNTED, *CONTROL),
                Expect(r"Uhhuh\. NMI received for unknown reason [0-9a-f]+ on CPU 0"),
                *TIME_WENT_ON,
                *monitor(ask("kill", "kill 1", "")),
                Expect(r"^VM 1 \(vmlinuz\) stopped: triple fault \(KVM_EXIT_SHUTDOWN\)"),
                Expect("^" + PROMPT),
                *monitor(ask("no VM is left", "vms", r"\A[^\d]*\Z")), Key("\r"),
                Expect("^" + PROMPT), *HANGS,
                Send("poweroff"), Expect("^kvm0: power: the monitor switches the machine off"))),
    Case(name="monitor-reboot", entry="control", limit=90, end="stop",
         steps=(cpus_up(1), Expect("^" + PROMPT), *OPEN, Send("reboot"),
                Expect("^kvm0: power: the monitor resets the machine"), cpus_up(1))),
) + PANIC_CASES
