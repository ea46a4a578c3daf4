# SPDX-License-Identifier: MIT
"""The end-to-end cases: data only, run by run.py."""
from debug_cases import DEBUG_CASES, OPEN
from gdb_case import GDB_CASE
from steps import Ask, Case, Date, DatesInOrder, Expect, Key, Once, Paste, Rate, Results, Send
from texts import (GUEST_PROMPT, GUEST_READY, MONITOR, PROMPT, REFUSED, SMALL_FILES, SMALL_MENU,
                   cpus_up)


def refusal(cause):
    """The one line that a machine gets which cannot be used: what is wrong, and what to do."""
    return (Expect(REFUSED + rf"(?=[^\n]*(?:{cause}))[^\n;]+; [^\n]+\n"), Once(REFUSED))


# --- the main job: from GRUB to a shell in a Linux guest, and back ----------------

LINUX = (
    Expect(GUEST_PROMPT),
    Ask("guest answers", "echo answer-$((6*7))", r"^answer-42$", GUEST_PROMPT),
    Ask("guest kernel", "uname -sm", r"^Linux x86_64$", GUEST_PROMPT),
    Ask("guest time passes", "sleep 1; echo slept", r"^slept$", GUEST_PROMPT),
    Send("poweroff"), Expect("^" + PROMPT),
    Ask("prompt is back", "help", r"\bpoweroff\b", PROMPT),
    Send("poweroff"),
)


# Away from the guest, which goes on, and back.
AWAY = (
    Expect(GUEST_PROMPT), Key("\x1d"), Expect("^" + PROMPT),
    Ask("vms names the guest", "vms", r"\bvmlinuz\b", PROMPT),
    Send("attach 1"), Expect(r"has the console"), Key("\r"),
)


# After a minute of work the guest's clock shows what the machine's shows, asked before and after.
SAME_TIME = (
    Ask("a minute of work", "busy 60", r"^busy: done$", GUEST_PROMPT, seconds=240),
    Key("\x1d"), Expect("^" + PROMPT), Date("date", PROMPT),
    Send("attach 1"), Expect(r"has the console"), Key("\r"), Expect("^" + GUEST_PROMPT),
    Date("date -u '+%F %T'", GUEST_PROMPT),
    Key("\x1d"), Expect("^" + PROMPT), Date("date", PROMPT),
    DatesInOrder("guest and machine show the same time", seconds=1),
    Send("attach 1"), Expect(r"has the console"), Key("\r"),
)


# What a guest's log and files say of KVM, lines of the script `features` (scripts/mkinitrd), which
# shows what texts.FAIL has, too: on one vCPU and on several.  They do not tell of asynchronous page
# faults: see BALLOON.
CLOCK = ("Hypervisor detected: KVM", "kvm-clock: Using msrs 4b564d01 and 4b564d00",
         "sched_clock: Marking stable", "clocksource: kvm-clock")
SEVERAL = ("kvm-guest: setup PV IPIs", "kvm-guest: KVM setup pv remote TLB flush",
           "kvm-guest: setup PV sched yield", "kvm-guest: PV spinlocks enabled")
STOLEN = ("time is stolen",)  # vCPUs have waited for a CPU


def lines(*wanted):
    """A pattern for an output that has these lines, in any order."""
    return r"\A" + "".join(rf"(?=(?:.*\n)*{line}\n)" for line in wanted)


def features(vcpus, cpus):
    wanted = CLOCK + (SEVERAL if vcpus > 1 else ()) + (STOLEN if vcpus > cpus else ())
    return Ask(f"{vcpus} vCPUs: KVM, its clock and what else it offers are used", "features",
               lines(*wanted), GUEST_PROMPT)


def all_work(vcpus):
    return Ask(f"{vcpus} vCPUs: all work", "each-cpu",
               rf"^each-cpu: {vcpus} CPUs, {vcpus} work, {vcpus} time$", GUEST_PROMPT, seconds=120)


IDLE = (
    Expect(GUEST_PROMPT), Key("\x1d"), Expect("^" + PROMPT),
    Rate("an idle guest", "exits", most=300, prompt=PROMPT),
    Send("attach 1"), Expect(r"has the console"), Key("\r"),
)


# A guest that resets itself starts again.
AGAIN = (
    Expect(GUEST_PROMPT), Send("reboot"), Expect(r"resets: it is started again\n"),
    Expect(GUEST_READY),
)

# Linux warns of the XSAVE layout that Bochs 2.7's Skylake has, without kvm0 as well.
XSTATE_WARNING = r"WARNING: [^\n]* fpu__init_system_xstate\+"


def linux(name, cpus, mem, model="corei7_haswell_4770", limit=480, first=(), last=(), **case):
    return Case(name=name, cpus=cpus, mem=mem, model=model, limit=limit,
                steps=(cpus_up(cpus), Expect(GUEST_READY), *first, *LINUX, *last), **case)


# Of a kernel's boot half the time goes into tests of its ciphers.
QUICK = "console=ttyS0 cryptomgr.notests=1"
VCPUS = (1, 2, 4, 8)


def in_turn(name, cpus, params="", then=None, mem=512, **machine):
    """On one machine guests with 1, 2, 4 and 8 vCPUs, one after the other; @params: kvm0's;
    @then: steps in the guest with so many vCPUs."""
    order = f"run vmlinuz initrd=initrd.gz mem=96M cpus={{}} -- {QUICK} quiet"
    steps = [cpus_up(cpus)]
    for vcpus in VCPUS:
        if vcpus != VCPUS[0]:
            steps += [Expect("^" + PROMPT), Send(order.format(vcpus))]
        steps += [Expect(GUEST_READY), Expect(GUEST_PROMPT), all_work(vcpus),
                  features(vcpus, cpus), Key("\r"), *(then or {}).get(vcpus, ()),
                  Expect(GUEST_PROMPT), Send("poweroff")]
    steps += [Expect("^" + PROMPT), Send("poweroff")]
    menu = (f"multiboot2 /boot/kvm0.elf loglevel=info {params}".rstrip(),
            "module2 /boot/control.elf control " + order.format(VCPUS[0]),
            "module2 --nounzip /boot/vmlinuz vmlinuz", "module2 --nounzip /boot/initrd.gz initrd.gz")
    return Case(name=name, cpus=cpus, mem=mem, limit=1200, entry=None, menu=menu, steps=tuple(steps),
                files=("kvm0.elf", "control.elf", "vmlinuz", "initrd.gz"), **machine)


# Debian's kernel on each number of CPUs, with interrupts that the CPU delivers and without: a CPU
# that cannot, or may not.
NO_APICV = {"model": "corei5_arrandale_m520"}

LINUX_CASES = (
    linux("linux-1cpu-512m", 1, 512, first=(Expect(GUEST_PROMPT), features(1, 1), Key("\r"), *AWAY,
                                            Expect(GUEST_PROMPT), *SAME_TIME)),
    in_turn("linux-on-1", 1, then={4: IDLE}),
    in_turn("linux-on-2-3g", 2, mem=3072),
    in_turn("linux-on-4", 4),
    in_turn("linux-on-1-arrandale", 1, **NO_APICV),
    in_turn("linux-on-2-arrandale", 2, then={2: AGAIN}, **NO_APICV),
    in_turn("linux-on-4-no-apicv", 4, params="enable_apicv=N"),
    linux("linux-skylake", 1, 512, "corei7_skylake_x",
          last=(Once(XSTATE_WARNING),), tolerate=XSTATE_WARNING),
    Case(name="linux-debug-log", entry="debug", limit=300, end="stop",
         steps=(cpus_up(1), Expect(r"^\[ *0\.0\d*\] Linux version [^\n]*\n"))),
)

# --- several guests at once -----------------------------------------------------

KERNEL_STARTS = Expect(r"^\[ *\d\.\d*\] Linux version [^\n]*\n")


def run_small(number):
    """Start a guest, see its kernel start, and leave it to run on."""
    return (Send(f"run vmlinuz name=small{number} initrd=initrd.gz mem=96M -- "
                 "console=ttyS0 earlyprintk=ttyS0,115200"),
            KERNEL_STARTS, Key("\x1d"), Expect("^" + PROMPT))


TWO_GUESTS = Case(
    name="two-guests", entry="control", limit=240,
    steps=(Expect("^" + PROMPT), *run_small(1), *run_small(2),
           Ask("vms names both", "vms", r"(?s)small1.*small2", PROMPT),
           Send("attach 1"), Expect(r"has the console"), Expect(r"^\[ *\d+\.\d+\] \S[^\n]*\n"),
           Key("\x1d"), Expect("^" + PROMPT),
           Ask("stop", "stop 1", r"small1[^\n]* stopped", PROMPT),
           Ask("the other one stays", "vms", r"\A(?![\s\S]*small1)[\s\S]*small2", PROMPT),
           Send("attach 2"), Expect(r"has the console"), Expect(r"^\[ *\d+\.\d+\] \S[^\n]*\n"),
           Key("\x1d"), Expect("^" + PROMPT),
           Ask("stop the last", "stop", r"small2[^\n]* stopped", PROMPT),
           Ask("none is left", "vms", r"\bno VMs\b", PROMPT),
           Send("poweroff")))

# --- a guest under load is saved, restored, migrated, and its memory taken away -----
#
# The guest checks its own work and its time (FAIL has what it would say), and its kernel must
# have nothing to complain of at the end.

ROUND = Expect(r"^load: round \d+, time \d+\n")
AWAY_FROM_LOAD = (ROUND, Key("\x1d"), Expect("^" + PROMPT))


def under_load(name, options, moves, last=(), **case):
    """Start a guest and its load, make the moves, each from the prompt to the guest's console,
    and end it."""
    return Case(
        name=name, entry="control", **case,
        steps=(Expect("^" + PROMPT),
               Send(f"run vmlinuz name=load initrd=initrd.gz {options} -- {QUICK} loglevel=5"),
               Expect(GUEST_READY), Expect(GUEST_PROMPT), Send("load"), *AWAY_FROM_LOAD,
               *(step for move in moves for step in (*move, *AWAY_FROM_LOAD)),
               Send("attach 1"), ROUND, Key("\r"), Expect("^" + GUEST_PROMPT),
               Ask("its kernel has nothing to say",
                   "dmesg | grep -ciE 'unstable|stall|lockup|backwards|corrupt|error'", r"^0$",
                   GUEST_PROMPT),
               *last, Send("poweroff"), Expect("^" + PROMPT), Send("poweroff")))


SAVE_AND_RESTORE = (Send("save name=a; stop; restore a"), Expect(r"is saved as a"),
                    Expect(r"has the console"))
MIGRATE = (Send("migrate; attach"), Expect(r"migrates: round 1: \d+ pages"),
           Expect(r"is migrated: \d+ pages"), Expect(r"has the console"))
BALLOON = (Send("balloon 48M; attach"), Expect(r"has \d+ pages less"),
           Expect(r"has the console"))

LOAD_CASES = (
    under_load("save-and-restore", "mem=80M", 20 * (SAVE_AND_RESTORE,), limit=900),
    under_load("migrate", "cpus=2 mem=80M", 4 * (MIGRATE,), limit=600, cpus=2),
    under_load("save-and-restore-smp", "cpus=4 mem=80M", 3 * (SAVE_AND_RESTORE,), limit=600, cpus=2),
    under_load("balloon", "mem=128M memory=demand pages=later",
               8 * (BALLOON,) + (SAVE_AND_RESTORE, BALLOON, MIGRATE, BALLOON), limit=400,
               last=(Ask("it has run on without pages", "grep HYP: /proc/interrupts",
                         r"HYP: +[1-9]", GUEST_PROMPT),)),
)

# --- the prompt of the control guest: every mistake gets a line, and the prompt again -


def cpus_answer(count):
    """The control guest starts its CPUs itself, and each does a job."""
    return Case(name=f"prompt-{count}cpu", entry="control", limit=120, cpus=count, steps=(
        cpus_up(count), Expect("^" + PROMPT),
        Ask("all CPUs answer", "cpus", rf"\b{count} CPUs, {count} of them answer", PROMPT),
        Ask("and again", "cpus", rf"\b{count} CPUs, {count} of them answer", PROMPT),
        Send("poweroff")))


PROMPT_CASES = (
    Case(
        name="prompt", entry=None, limit=120,
        menu=("multiboot2 /boot/kvm0.elf loglevel=info",
              "module2 /boot/control.elf control",
              "module2 --nounzip /boot/vmlinuz vmlinuz",
              "module2 --nounzip /boot/short short",
              "module2 --nounzip /boot/text text"),
        files=("kvm0.elf", "control.elf", "vmlinuz", "short", "text"),
        steps=(
            Expect("^" + PROMPT),
            Ask("help names every command", "help",
                r"(?s)(?=.*\brun\b)(?=.*\bls\b)(?=.*\bvms\b)(?=.*\bstop\b)(?=.*\bpoweroff\b)", PROMPT),
            Ask("ls names the modules", "ls", r"(?s)(?=.*\bvmlinuz\b)(?=.*\bshort\b).*\btext\b", PROMPT),
            Ask("vms without one", "vms", r"\b(?:no|none|0)\b", PROMPT),
            Ask("unknown command", "frobnicate", r"frobnicate", PROMPT),
            Ask("unknown module", "run nosuch", r"nosuch", PROMPT),
            Ask("kernel that is no bzImage", "run text", r"bzImage", PROMPT),
            Ask("truncated kernel", "run short", r"truncated", PROMPT),
            Ask("kernel that does not fit", "run vmlinuz mem=16M", r"fit", PROMPT),
            Ask("unknown parameter", "run vmlinuz colour=red", r"colour", PROMPT),
            Ask("bad value", "run vmlinuz mem=lots", r"lots", PROMPT),
            Ask("stop without a guest", "stop", r"\S", PROMPT),
            Send("poweroff"),
        )),
    Case(
        name="unknown-parameter", entry=None, limit=90,
        menu=("multiboot2 /boot/kvm0.elf loglevel=info nosuchparameter=1 ple_gap=many ept=N vpid=0",
              "module2 /boot/control.elf control"),
        files=("kvm0.elf", "control.elf"),
        steps=(Expect(r"^kvm0: [^\n]*nosuchparameter[^\n]*\n"),
               Expect(r"^kvm0: [^\n]*ple_gap[^\n]*\n"),
               Expect(r"^kvm0: [^\n]*'ept' stays Y[^\n]*\n"),
               Expect("^" + PROMPT), Send("param"),
               Expect(r"^  vpid=N \(set at boot\)\n"), Expect(r"^  ept=Y \(fixed\)\n"),
               Expect("^" + PROMPT), Send("param min-timer-period-us 100"),
               Expect("^  min_timer_period_us=100\n"),
               Expect("^" + PROMPT), Send("param nested Y"),
               Expect(r"^nested: kvm0 has no other value[^\n]*\n"),
               Expect("^" + PROMPT), Send("poweroff"))),
    cpus_answer(2), cpus_answer(4),
)

# --- machines and boot menus that have to be refused ---------------------------

def refuse(name, cause, menu=SMALL_MENU, files=SMALL_FILES, **machine):
    return Case(name="refuse-" + name, entry=None, menu=menu, files=files, limit=90, end="halt",
                allow=(REFUSED,), steps=refusal(cause), **machine)


REFUSAL_CASES = (
    refuse("no-ept", "EPT", model="core2_penryn_t9600"),
    refuse("no-unrestricted-guest", "unrestricted guest", model="corei5_lynnfield_750"),
    refuse("no-vmx", "VMX|VT-x", model="p4_prescott_celeron_336"),
    refuse("no-vmx-amd", "VMX|VT-x", model="phenom_8650_toliman"),
    refuse("no-long-mode", "64-bit|long mode", model="core_duo_t2400_yonah"),
    refuse("little-memory", "too little memory", mem=8),
    refuse("no-module", "module", menu=SMALL_MENU[:1], files=SMALL_FILES[:1]),
    refuse("no-control-guest", "control guest", files=("kvm0.elf", "text"),
           menu=(SMALL_MENU[0], "module2 /boot/text control")),
    refuse("truncated-module", "truncated", files=("kvm0.elf", "control-cut.elf"),
           menu=(SMALL_MENU[0], "module2 /boot/control-cut.elf control")),
    refuse("bios-in-qemu", "VMX|VT-x", emulator="qemu"),
    refuse("two-cpus-no-ept", "EPT", model="core2_penryn_t9600", cpus=2),
    Case(name="refuse-uefi", limit=150, end="halt", emulator="qemu", firmware="uefi",
         allow=(REFUSED,), steps=refusal("VMX|VT-x")),
)

# --- tests that run inside the control guest ------------------------------------

ABI_CASES = (
    Case(name="abi", entry="abi", limit=240, steps=(Results(),)),
    Case(name="abi-2cpu", entry="abi", limit=300, cpus=2, steps=(Results(),)),
    # Without flags in EPT entries, and with lists of written pages.
    Case(name="abi-arrandale", entry="abi", limit=300, cpus=2, model="corei5_arrandale_m520",
         steps=(Results(),)),
    Case(name="abi-skylake", entry="abi", limit=300, cpus=2, model="corei7_skylake_x",
         steps=(Results(),)),
    # Haswell, with the local APIC left to kvm0.
    Case(name="abi-no-vpid", entry=None, limit=240,
         menu=("multiboot2 /boot/kvm0.elf loglevel=info vpid=N enable_apicv=N", "module2 /boot/abi.elf abi"),
         files=("kvm0.elf", "abi.elf"), steps=(Results(),)),
    Case(name="bench", entry="bench", limit=240,
         steps=(Expect(r"^@@BEGIN$"), Expect(r"^\w+ \d+ \d+"), Expect(r"^@@END 0\n"))),
)

# --- a control guest that breaks the rules is stopped ----------------------------

STOPPED = r"^kvm0: control: error: the control guest is stopped: "


def stopped(word, why, cpus=1):
    return Case(name="stopped-" + word, entry=None, limit=90, end="halt", cpus=cpus,
                menu=(SMALL_MENU[0], f"module2 /boot/abi.elf abi {word}"),
                files=("kvm0.elf", "abi.elf"),
                steps=(Expect(r"^breach: (?:reading|faulting)"),
                       Expect(STOPPED + why + r"[^\n]*\n"), Once(STOPPED)))


STOPPED_CASES = (
    stopped("touch-kvm0", r"it touched kvm0's memory at 0x[0-9a-f]+"),
    stopped("touch-kvm0-while-running", r"it touched kvm0's memory at 0x[0-9a-f]+", cpus=2),
    stopped("triple-fault", r"triple fault"),
)

# --- one console for kvm0, the control guest and the monitor ---------------------

ESCAPE = "\x1c"
GARBAGE = "".join(chr(n) for n in range(1, 256) if chr(n) != ESCAPE)

LONG = "0123456789" * 100

CONSOLE_CASES = (
    Case(
        name="console", entry="control", limit=120,
        steps=(
            Expect("^" + PROMPT), Key("vm"), *OPEN,
            Ask("the monitor answers", "cpus", r"^ *0 .* works for the monitor$", MONITOR),
            Send("exit"), Expect("^" + PROMPT + "vm"),  # as it stood there
            Ask("and the prompt goes on", "s", r"^no VMs\b", PROMPT),
            # Twice, the key is the control guest's, which rings for one that it does not know.
            Key(ESCAPE + ESCAPE), Expect("^" + PROMPT + "\a"), Key("\r"), Expect("^" + PROMPT),
            Paste(LONG), Expect(LONG), Key("\r"), Expect("^unknown order '0123"), Expect("^" + PROMPT),
            # What it says meanwhile is kept.
            Send("run vmlinuz initrd=initrd.gz mem=96M -- console=ttyS0 earlyprintk=ttyS0,115200"),
            KERNEL_STARTS, *OPEN,
            Ask("the guest is silent", "vms", r"\A(?![\s\S]*^\[)[\s\S]*^ *1 ", MONITOR),
            Key(GARBAGE + "\x03"), Expect(r"\{\|\}~[^\n]*\n"), Expect("^" + MONITOR),
            Ask("garbage does no harm", "cpus", r"^ *0 .* works for the monitor$", MONITOR),
            Key(ESCAPE), Expect(r"^\[ *\d+\.\d+\] \S[^\n]*\n"),
            Key("\x1d"), Expect("^" + PROMPT), Send("poweroff"))),
    # The control guest hangs with interrupts off.
    Case(
        name="console-hang", entry=None, limit=90, end="halt",
        menu=(SMALL_MENU[0], "module2 /boot/abi.elf abi hang"), files=("kvm0.elf", "abi.elf"),
        steps=(Expect(r"^breach: hanging[^\n]*\n"), *OPEN,
               Ask("the monitor answers", "cpus", r"^ *0 .* works for the monitor$", MONITOR))),
    # One CPU: with two, Bochs 2.7's BIOS gives up at the second start.
    Case(
        name="console-reset", entry="control", limit=120,
        steps=(Expect("^" + PROMPT), Send("reboot"), Expect(r"^kvm0: log: the log of the run before"),
               Expect("^" + PROMPT),
               Ask("the log of the run before", "log before",
                   r"(?s)^kvm0: boot: 1 CPUs up.*^kvm0: power: the control guest ends the run",
                   PROMPT),
               Send("poweroff"))),
)

CASES = LINUX_CASES + (TWO_GUESTS,) + LOAD_CASES + PROMPT_CASES + REFUSAL_CASES + ABI_CASES + STOPPED_CASES \
    + CONSOLE_CASES + DEBUG_CASES + (GDB_CASE,)
