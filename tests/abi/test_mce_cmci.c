/* SPDX-License-Identifier: MIT */
/* Interrupts for machine checks that need no action: IA32_MCi_CTL2 and the local APIC's entry. */
#include "tests/abi/machine.h"

#define MCG_CAP    0x179u
#define MC_CTL2(n) (0x280u + (n))
#define CAP_CTL    (1ull << 8)
#define CAP_CMCI   (1ull << 10)
#define CAP_SER    (1ull << 24)
#define CMCI_ON    (1ull << 30)
#define UCNA       (1ull << 63 | 1ull << 61 | 1ull << 60 | 3)
#define VERSION    0x30u /* registers of the local APIC */
#define SVR        0xf0u
#define IRR        0x200u
#define LVT_CMCI   0x2f0u
#define MASKED     0x10000u
#define BANKS      4u
#define VECTOR     0x51u

static struct machine m;

static u32 apic(u32 reg)
{
	struct kvm_lapic_state s;

	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_LAPIC, &s), 0);
	return *(u32 *)(void *)(s.regs + reg);
}

static void set_apic(u32 reg, u32 value)
{
	struct kvm_lapic_state s;

	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_LAPIC, &s), 0);
	*(u32 *)(void *)(s.regs + reg) = value;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_LAPIC, &s), 0);
}

static void open(u64 cap)
{
	u64 supported;

	machine_need_vmx("machine checks' interrupts");
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_X86_GET_MCE_CAP_SUPPORTED, &supported), 0);
	CHECK(supported & CAP_CMCI);
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	CHECK_EQUAL(apic(VERSION), 0x50014);
	cap |= CAP_CTL | CAP_SER | BANKS;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_X86_SETUP_MCE, &cap), 0);
	CHECK_EQUAL(machine_get_msr(&m, MCG_CAP), cap);
}

static long set(u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	return t_ioctl_ptr(m.vcpu, KVM_SET_MSRS, &msr);
}

static void cmci_registers(void)
{
	open(CAP_CMCI);
	CHECK_EQUAL(apic(VERSION), 0x60014);
	CHECK_EQUAL(apic(LVT_CMCI), MASKED);
	CHECK_RESULT(set(MC_CTL2(0), CMCI_ON | 0x7fff), 1);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL2(0)), CMCI_ON | 0x7fff);
	CHECK_RESULT(set(MC_CTL2(3), 1), 1);
	CHECK_RESULT(set(MC_CTL2(3), 0x8000), 0);
	CHECK_RESULT(set(MC_CTL2(3), 1ull << 31), 0);
	CHECK_RESULT(set(MC_CTL2(4), 0), 0);
	m.regs.rcx = MC_CTL2(2);
	m.regs.rax = CMCI_ON | 2;
	machine_do(&m, state_wrmsr);
	CHECK_EQUAL(machine_regs(&m).rax, CMCI_ON | 2);
}

/* Without it in IA32_MCG_CAP: the host can read and write 0, the guest nothing. */
static void cmci_absent(void)
{
	open(0);
	CHECK_EQUAL(apic(VERSION), 0x50014);
	CHECK_RESULT(set(MC_CTL2(0), 0), 1);
	CHECK_EQUAL(machine_get_msr(&m, MC_CTL2(0)), 0);
	CHECK_RESULT(set(MC_CTL2(0), CMCI_ON), 0);
	m.regs.rcx = MC_CTL2(0);
	machine_do(&m, fault_rdmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	machine_do(&m, fault_wrmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 2);
}

static void cmci_interrupt(void)
{
	struct kvm_x86_mce e = {.status = UCNA, .bank = 1};

	open(CAP_CMCI);
	set_apic(SVR, 0x1ff);
	set_apic(LVT_CMCI, VECTOR);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_X86_SET_MCE, &e), 0);
	CHECK_EQUAL(apic(IRR + 0x20), 0);
	CHECK_RESULT(set(MC_CTL2(1), CMCI_ON | 1), 1);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_X86_SET_MCE, &e), 0);
	CHECK_EQUAL(apic(IRR + 0x20), 1u << (VECTOR - 64));
	set_apic(IRR + 0x20, 0);
	set_apic(LVT_CMCI, MASKED | VECTOR);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_X86_SET_MCE, &e), 0);
	CHECK_EQUAL(apic(IRR + 0x20), 0);
}

SUITE(mce_cmci, TEST(cmci_registers), TEST(cmci_absent), TEST(cmci_interrupt));
