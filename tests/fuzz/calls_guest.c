/* SPDX-License-Identifier: MIT */
/* What a guest does when it is entered, by the input: only what a real CPU can come out with. */
#include "tests/fuzz/calls.h"

#include <linux/kvm.h>

#include "tests/fuzz/machine/machine.h"
#include "vmx/vmcs.h"

#define REQUEST(name, kinds) name,
const u32 call_requests[] = {
#include "tests/abi/requests.def"
};
const u32 call_request_count = ARRAY_SIZE(call_requests);

static const u32 plain_exits[] = {
	EXIT_EXTERNAL_INTERRUPT,
	EXIT_TRIPLE_FAULT,
	EXIT_INIT,
	EXIT_INTERRUPT_WINDOW,
	EXIT_NMI_WINDOW,
	EXIT_TASK_SWITCH,
	EXIT_CPUID,
	EXIT_GETSEC,
	EXIT_HLT,
	EXIT_INVD,
	EXIT_RDPMC,
	EXIT_RDTSC,
	EXIT_VMCALL,
	EXIT_VMCLEAR,
	EXIT_RDMSR,
	EXIT_WRMSR,
	EXIT_MWAIT,
	EXIT_MONITOR,
	EXIT_PAUSE,
	EXIT_TPR_BELOW_THRESHOLD,
	EXIT_PREEMPTION_TIMER,
	EXIT_WBINVD,
	EXIT_XSETBV,
	EXIT_CPUID,
	EXIT_HLT,
	EXIT_VMCALL,
	EXIT_RDMSR,
	EXIT_WRMSR,
};

/* A guest-physical address: in the first MiB, at the interrupt controllers, or any. */
static u64 take_gpa(void)
{
	static const u64 bases[] = {0,          0,          0,          0xfee00000,
				    0xfec00000, 0xfffff000, 0xe0000000, 1ull << 40};
	u64 kind = input_take(1);

	if (kind == 0xff)
		return input_take(8) & (BIT(48) - 1);
	return bases[kind & 7] + ((kind >> 3) * PAGE_SIZE) + (input_take(1) << 4);
}

/* Registers that the guest has changed, and new code of its. */
static void change_registers(struct vmx_vcpu *v)
{
	u64 which = input_take(1);

	if (which & 0x80)
		v->gpr[which & 15] = input_take(which & 0x40 ? 8 : 2);
	if (which & 0x20)
		vmx_set_rflags((input_take(2) & 0x4fd5) | RFLAGS_FIXED);
	if (which & 0x10) {
		u64 rip = 0x100 + (input_take(1) & 0x3f);

		vmx_set_rip(rip);
		calls_fill_memory(machine_address(CALLS_GUEST_MEMORY + rip));
	}
}

/* Ports that have something behind them, and any. */
static u64 take_port(void)
{
	static const u16 ports[] = {0x20, 0x21, 0xa0,  0xa1,  0x40,       0x42,
				    0x43, 0x61, 0x4d0, 0x4d1, CALLS_PORT, CALLS_PORT + 4};
	u64 kind = input_take(1);

	return kind < 0x80 ? ports[kind % ARRAY_SIZE(ports)] : input_take(2);
}

static void exit_io(void)
{
	static const u8 sizes[] = {0, 1, 3, 0};
	u64 how = input_take(1);

	machine_exit(EXIT_IO, sizes[how & 3] | (how >> 2 & 7) << 3 | take_port() << 16,
		     1 + (how >> 5 & 1));
}

static void exit_cr(void)
{
	static const u8 numbers[] = {0, 4, 8, 8};
	u64 how = input_take(1);
	u64 number = numbers[how & 3], from = number == 8 ? how >> 2 & 1 : 0;

	machine_exit(EXIT_CR_ACCESS, number | from << 4 | (how >> 3 & 15) << 8, 3);
}

/* A value that a register of an interrupt controller may like. */
static u32 take_value(void)
{
	static const u32 values[] = {0,       0x1ff,  0x20030, 0x40030, 0x4500,  0x4608,
				     0xc4500, 0x8050, 0x10000, 0x700,   0x10030, 0xb};
	u64 kind = input_take(1);

	return kind < 0x80   ? values[kind % ARRAY_SIZE(values)]
	       : kind < 0xc0 ? 1u << (kind & 31)
			     : (u32)input_take(4);
}

/* MOV between EAX and a register of the local or I/O APIC, or of an unknown device. */
static void exit_device(struct vmx_vcpu *v)
{
	static const u16 lapic[] = {0x80,  0xb0,  0xd0,  0xe0,  0xf0,  0x280, 0x300, 0x310,
				    0x320, 0x350, 0x360, 0x370, 0x380, 0x3e0, 0x390, 0x20};
	static const u8 code32[] = {0x89, 0x07}, code16[] = {0x66, 0x67, 0x89, 0x07};
	bool wide = vmx_cs_rights() & BIT(14);
	u64 how = input_take(1), gpa;
	u8 *code = (u8 *)(uintptr_t)(MACHINE_MEMORY + CALLS_GUEST_MEMORY + 0x80);

	if (how & 0x20)
		gpa = CALLS_DEVICE + (how & 3) * 16;
	else if (how & 0x40)
		gpa = 0xfec00000 + (how & 0x10);
	else
		gpa = 0xfee00000 + lapic[how & 15];
	__builtin_memcpy(code, wide ? code32 : code16, wide ? 2 : 4);
	code[wide ? 0 : 2] |= how & 0x80 ? 0 : 2; /* MOV from memory */
	vmx_set_rip(0x80);
	v->gpr[GPR_RAX] = take_value();
	v->gpr[GPR_RDI] = gpa;
	machine_ept_violation(gpa, gpa, 0x180 | (how & 0x80 ? 2 : 1));
}

static void exit_msr(struct vmx_vcpu *v)
{
	static const u32 bases[] = {0,     0x6e0,      0x800,      0x200,
				    0x400, 0xc0000080, 0x40000000, 0x4b564d00};
	u64 how = input_take(1), address;

	v->gpr[GPR_RCX] = how & 0x40 ? input_take(4) : bases[how & 7] + input_take(1);
	if ((how & 0x67) == 0x27) { /* KVM's own: a flag or two, and an address */
		v->gpr[GPR_RCX] = bases[7] + (v->gpr[GPR_RCX] & 15);
		address = take_gpa();
		v->gpr[GPR_RAX] = (u32)address | input_take(1);
		v->gpr[GPR_RDX] = address >> 32;
	} else if (how & 0x20) {
		v->gpr[GPR_RAX] = take_value();
		v->gpr[GPR_RDX] = input_take(1);
	}
	machine_exit(how & 0x80 ? EXIT_WRMSR : EXIT_RDMSR, 0, 2);
}

/* A hypercall: one that there is, mostly, with sets, ids, addresses as its arguments. */
static void exit_hypercall(struct vmx_vcpu *v)
{
	u64 how = input_take(1);

	v->gpr[GPR_RAX] = how & 0x80 ? input_take(8) : how & 15;
	v->gpr[GPR_RBX] = how & 0x10 ? take_gpa() : input_take(2);
	v->gpr[GPR_RCX] = how & 0x20 ? input_take(8) : input_take(1);
	v->gpr[GPR_RDX] = how & 0x40 ? input_take(4) : 0;
	v->gpr[GPR_RSI] = take_value();
	machine_exit(EXIT_VMCALL, 0, 3);
}

static void exit_exception(void)
{
	u64 how = input_take(1);

	machine_exit(EXIT_EXCEPTION_NMI, 0, 0);
	vmcs_write_any(VMCS_EXIT_INTR_INFO, how & 1 ? INTR_VALID | INTR_TYPE_NMI | VECTOR_NMI
						    : INTR_VALID | INTR_TYPE_HARD_EXC | VECTOR_MC);
}

/* The exit broke off the delivery of the event that was injected. */
static void maybe_vectoring(u64 how)
{
	u32 event = vmcs_read32(VMCS_ENTRY_INTR_INFO);

	if ((how & 0x80) && (event & INTR_VALID))
		machine_vectoring(event);
}

/* Exits of a local APIC that the CPU keeps are only where it does. */
static bool can_exit(u32 reason)
{
	u32 controls = vmcs_read32(VMCS_CPU2_CONTROLS);

	switch (reason) {
	case EXIT_APIC_ACCESS:
		return controls & CPU2_APIC_ACCESSES;
	case EXIT_VIRTUALIZED_EOI:
		return controls & CPU2_VIRTUAL_INTERRUPTS;
	case EXIT_APIC_WRITE:
		return controls & CPU2_APIC_REGISTERS;
	default:
		return true;
	}
}

void calls_guest(struct vmx_vcpu *v)
{
	u64 how = input_take(1), first, second;

	machine_advance(input_take(1) << (how >> 4));
	change_registers(v);
	switch (how & 15) {
	case 0:
	case 1:
	case 2:
		exit_io();
		break;
	case 3:
	case 4:
		first = take_gpa();
		second = input_take(2);
		machine_ept_violation(first, second, 0x180 | (input_take(1) & 7));
		maybe_vectoring(how);
		break;
	case 5:
		exit_cr();
		break;
	case 6:
		exit_exception();
		break;
	case 7:
		machine_exit(EXIT_MOV_DR, input_take(2) & 0xf17, 3);
		break;
	case 8:
		first = input_take(1) & 0x7f;
		second = input_take(8);
		machine_exit(can_exit((u32)first) ? (u32)first : EXIT_PAUSE, second,
			     1 + (input_take(1) & 7));
		break;
	case 9:
	case 10:
	case 11: /* memory; goes on to an exit if that needs none */
		machine_exit(EXIT_PAUSE, 0, 2);
		first = take_gpa();
		second = take_gpa();
		(void)(machine_touch(first, how & 1) && machine_touch(second, how & 0x10));
		maybe_vectoring(how);
		break;
	case 12:
		exit_device(v);
		break;
	case 13:
		exit_msr(v);
		break;
	case 14:
		exit_hypercall(v);
		break;
	default:
		machine_exit(plain_exits[input_take(1) % ARRAY_SIZE(plain_exits)], 0,
			     2 + (how >> 6 & 1));
	}
}
