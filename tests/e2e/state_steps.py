# SPDX-License-Identifier: MIT
"""The monitor's commands that show state, asked of a running Linux guest, VM 1 with one vCPU, whose
shell is at the console: what they say has to agree with each other and with the guest."""
from steps import Ask, Expect, Key
from texts import GUEST_PROMPT, MONITOR as PROMPT

HEX = "[0-9a-f]"


def ask(name, line, answer):
    return Ask(name, line, answer, PROMPT)


REGISTERS = (
    ask("the guest is stopped", "stop 1", r"\A" + PROMPT),
    ask("vcpu: registers", "vcpu 1.0",
        rf"^vCPU 1\.0: [^\n]*\nrip (?P<rip>{HEX}{{16}})  rflags (?P<rflags>{HEX}+)  CPL \d\n"
        rf"rax {HEX}{{16}} [^\n]*\n[^\n]* rsp (?P<rsp>{HEX}{{16}})\n"),
    ask("vcpu: segments, control registers, exits", "vcpu 1.0",
        rf"(?s)^cs   (?P<cs>{HEX}{{4}}) 0{{16}} ffffffff .*64-bit\n.*^tr .*^gdt .*^idt .*"
        rf"^cr0 (?P<crzero>{HEX}+)  cr3 (?P<crthree>{HEX}+) .*^activity: .*^last exit: "
        r".*^ +\d+ EPT_VIOLATION\n"),
    ask("vmcs: the same rip", "vmcs 1.0 guest rip", r"^681e  Guest RIP +{rip}$"),
    ask("vmcs: the same rsp", "vmcs 1.0 guest rsp", r"^681c  Guest RSP +{rsp}$"),
    ask("vmcs: the same cr3", "vmcs 1.0 CR3", r"^6802  Guest CR3 +0*{crthree}$"),
    ask("vmcs: the same cs", "vmcs 1.0 cs selector", r"^0802  Guest CS selector +{cs}$"),
    ask("vmcs: all fields", "vmcs 1.0",
        r"(?s)^0000  Virtual-processor identifier \(VPID\) +0002\n"
        rf".*^201a  EPT pointer \(EPTP\) +0*(?P<ept>{HEX}+)05e\n"
        rf".*^2804  Guest IA32_PAT +(?P<pat>{HEX}{{16}})\n.*^4400  VM-instruction error +0{{7}}[0c]\n"
        r".*^6c16  Host RIP +ffffffff8"),
    ask("vcpu, the control guest's", "vcpu 0.0", r"(?s)^vCPU 0\.0: of the control guest, .*^rip 0"),
    ask("vmcs, the control guest's", "vmcs 0.0 vpid", r"^0000  Virtual-[^\n]* 0001$"),
    ask("msr: as the VMCS has it", "msr 1.0 0x277", r"^00000277  {pat}  IA32_PAT$"),
    ask("msr: all", "msr 1.0", rf"(?s)^c0000082  f{HEX}{{15}}  IA32_LSTAR\n.*  MSR_KVM_SYSTEM_TIME_NEW\n"),
    ask("cpuid: KVM's signature", "cpuid 1.0 0x40000000",
        r"^40000000 00000000  4[0-9a-f]{7} 4b4d564b 564b4d56 0000004d$"),
    ask("cpuid: all", "cpuid 1.0", r"(?s)^00000001 00000000  .*^80000008 00000000  "),
)

MEMORY = (
    ask("slots", "slots 1", r"(?s)^    0  0{14} .*^    1  000000000c0000 .*^mapped: \d+ pages"),
    ask("gva: where rip leads", "gva 1.0 0x{rip}",
        rf"(?s)^PML4E at .*  table\nPDPTE at .*  table\nPDE +at .*page of 2 MiB\n"
        rf"{{rip}} is guest-physical (?P<gpa>{HEX}+)$"),
    ask("ept: where that leads, as slots have it", "ept 1 0x{gpa}",
        rf"(?s)^PML4E at 0*{{ept}}000: .*  table\nPDPTE at .*, WB, accessed"
        rf".*^{{gpa}} is host-physical 0*(?P<hpa>{HEX}+)\nslot \d has it at 0*(?P=hpa)$"),
    ask("mem: code at rip", "mem 1.0@0x{rip} 16", rf"^{{rip}}  (?P<code>(?:{HEX}{{2}} ){{16}})"),
    ask("mem: the same, guest-physical", "mem 1:0x{gpa} 16", r"^0*{gpa}  {code}"),
    ask("mem: the same, the control guest's", "mem 0:0x{hpa} 16", r"^0*{hpa}  {code}"),
    # The zero page, where the control guest has put the kernel's setup header (vmm/linux.h).
    ask("mem: the setup header", "mem 1:0x7202 16", r"^0+7202  48 64 72 53 .*  HdrS"),
    ask("mem: words", "mem 1:0x7202 8 4", rf"^0+7202  53726448 {HEX}{{8}} +HdrS"),
    ask("mem: across pages", "mem 1:0x1ffff8 16", rf"^0+1ffff8  (?:{HEX}{{2}} ){{16}}"),
    ask("mem: kvm0's own", "mem 0xffffffff80000000 16", rf"^ffffffff80000000  (?:{HEX}{{2}} ){{16}}"),
    ask("mem: unmapped linear address", "mem 1.0@0 16", r"^0{16}: its page tables do not map this"),
    ask("mem: no slot", "mem 1:0xfee00000", r"^0{8}fee00000: no slot has this"),
    ask("mem: kvm0's is not the control guest's", "mem 0:0x{ept}000", r"^0*{ept}000: not memory of"),
    ask("mem: devices are not read", "mem 0xffff8000fee00000", r": a device's registers, which are"),
    ask("mem: unmapped in kvm0", "mem 0x1000", r"^0+1000: kvm0 maps nothing there$"),
    ask("mem: too much", "mem 1:0 0x2000", r"^mem: usage: "),
    ask("ept: no slot", "ept 1 0xfee00000", r"not present\nno slot has this address$"),
    ask("ept: too high", "ept 1 0x1000000000000", r"^ept: usage: "),
    ask("ept, the control guest's", "ept 0 0x{hpa}", r"^{hpa} is host-physical 0*{hpa}$"),
    ask("gva: not mapped", "gva 1.0 0", r"  not present$"),
    ask("gva: not canonical", "gva 1.0 0x8000000000000000", r"^not canonical$"),
    ask("gva, the control guest's", "gva 0.0 0x100000", r"^100000 is guest-physical 100000$"),
    ask("no such VM", "slots 9", r"^slots: there is none"),
    ask("no such vCPU", "vcpu 1.7", r"^vcpu: there is none"),
    ask("no vCPU", "vcpu 1", r"^vcpu: usage: "),
)

CHIPS = (
    ask("irqchip", "irqchip 1", r"(?s)^PIC master: vectors from 30, .*^GSI   4:  PIC line 4, .*pin 4,"),
    ask("lapic", "lapic 1.0",
        r"(?s)^base fee00[8d]00: x2?APIC, enabled by software; .*^timer: TSC-deadline, .*^requested"),
    ask("ioapic: the console's pin is open", "ioapic 1",
        rf"^  4      (?!00){HEX}{{2}}  \w+ +(?:logical |physical) {HEX}{{2}}   edge     (?:low|high) *$"),
    ask("pit", "pit 1", r"(?s)^channel 0: mode \d+, count \d+, .*^channel 0 (?:does not )?interrupt"),
    ask("clock", "clock 1", r"^clock \d+\.\d{9} s, stable; .*\nvCPU 1\.0: TSC of \d+ kHz, offset ffff"),
    ask("the guest goes on", "resume 1", r"\A" + PROMPT),
)

STATE = (
    Expect(GUEST_PROMPT),
    Key("\x1c"), Expect("^" + PROMPT), *REGISTERS, *MEMORY, *CHIPS, Key("exit\r"), Key("\r"),
    Expect("^" + GUEST_PROMPT),
    Ask("the guest is alive", "echo alive-$((6*7))", r"^alive-42$", GUEST_PROMPT),
)
