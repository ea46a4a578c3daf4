# SPDX-License-Identifier: MIT
"""The case of a debugger on COM2."""
from debug_cases import OPEN
from debugger import Gdb
from steps import Ask, Case, Expect, Key, Send
from texts import MONITOR, PROMPT

GDB_CASE = Case(
    name="gdb", entry=None, limit=240, cpus=2, com2=True,
    menu=("multiboot2 /boot/kvm0.elf loglevel=debug gdb=com2", "module2 /boot/control.elf control",
          "module2 --nounzip /boot/vmlinuz vmlinuz", "module2 --nounzip /boot/initrd.gz initrd.gz",
          "module2 /boot/payload payload"),
    files=("kvm0.elf", "control.elf", "vmlinuz", "initrd.gz", "payload"),
    steps=(
        Expect("^" + PROMPT),
        Gdb("entry.gdb", (
            ("the control guest's CPUs are threads",
             r"^\* 1 +Thread 1 \(control guest CPU 0\).* in idle_until \([\s\S]*"
             r"^  2 +Thread 2 \(control guest CPU 1\)"),
            ("a breakpoint in the control guest",
             r"^Thread [12] hit Breakpoint 1, vm_step \(.*\n[\s\S]*^#0  vm_step [\s\S]*^#1  0x"),
            ("steps in the control guest", r"^\$1 = 1$"),
            ("a new VM's vCPU is a thread", r"^  3 +Thread 1001 \(VM 1 vCPU 0, runnable\) +0x0*1000200 in "),
            ("the kernel's entry", r"^Thread 3 hit Breakpoint 2, 0x0*1000200 in \?\? \(\)\n"
             r"[\s\S]*^rip +0x1000200 [\s\S]*^cs +0x10 [\s\S]*^efer +0x500 "),
            ("steps in the kernel", r"^0x0*10002[\s\S]*^\$2 = 1$"),
        )),
        Expect(r"^\[ *\d\.\d*\] Linux version [^\n]*\n"), Key("\x1d"), Expect("^" + PROMPT),
        Ask("the guest lives on after that", "stop 1", r"stopped", PROMPT),
        Send("run payload cpus=2 mem=32M"), Expect(r"^payload: alive, round 0002"),
        Gdb("payload.gdb", (
            ("the vCPUs of a guest are threads",
             r"^\* 3 +Thread 2001 \(VM 2 vCPU 0, runnable\)[\s\S]*^  4 +Thread 2002 \(VM 2 vCPU 1, not started\)"),
            ("a breakpoint by symbol", r"^Thread 3 hit Breakpoint 1, step_on \(by=.*\n[\s\S]*"
             r"^step_on: (?P<place>0x[0-9a-f]+)\n[\s\S]*"
             r"^#1  0x[0-9a-f]+ in payload \(\)[\s\S]*^\$1 = 1$"),
            ("stepping over lines writes what it should", r"^\$2 = 5001$"),
            ("a watchpoint", r"^Thread 3 hit Hardware watchpoint 2: counter\n\nOld value = 5001\n"
             r"New value = 5002\nstep_on \("),
            ("a hardware breakpoint", r"^Thread 3 hit Breakpoint 3, say \(n=[\s\S]*^\$3 = 1$"),
            ("registers", r"^rip +0x2\w+ +0x2\w+ <say[\s\S]*^eflags +0x[\s\S]*^cr0 +0x80050033 "
             r"[\s\S]*^cr4 +0x20 [\s\S]*^efer +0x500 [\s\S]*^fs_base +0x0 [\s\S]*^xmm0 "
             r"[\s\S]*^\$4 = 0x123456789abcdef$"),
            ("memory", r"^0x2\w+ <counter>:[\s\S]*^=> 0x2\w+ <say[\s\S]*"
             r"^Cannot access memory at address 0x7fffffffffff$"),
            ("the monitor's commands", r"^vCPU 2\.0: runnable, entered \d+ times"),
            ("it goes on", r"^Thread 3 hit Breakpoint 4, step_on \("),
        )),
        Expect(r"^payload: alive, round (?!0002)"), Expect(r"^payload: alive, round "),
        # The same by the monitor.
        *OPEN, Ask("monitor: break", "break 2 {place}", r"^breakpoint 0$", MONITOR),
        Expect(r"^VM 2 vCPU 0: stops at 0x[0-9a-f]+, for the breakpoint at 0x"),
        Ask("monitor: breakpoints", "break", r"^ 0  VM 2 +0x[0-9a-f]{16} +execute", MONITOR),
        Send("step 2.0"), Expect(r"^VM 2 vCPU 0: next is 0x"),
        Ask("monitor: break delete", "break delete 0", r"\A(?!.*there is)", MONITOR),
        Ask("monitor: no breakpoint is left", "break", r"\A(?!.*VM 2)", MONITOR),
        Ask("monitor: a mistake", "break 2 x", r"^break: usage: ", MONITOR),
        Send("resume 2"), Expect("^" + MONITOR), Send("exit"),
        Expect(r"^payload: alive, round "), Expect(r"^payload: alive, round "),
        Key("\x1d"), Expect("^" + PROMPT), Send("stop; poweroff")))
