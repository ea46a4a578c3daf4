/* SPDX-License-Identifier: MIT */
/* The first state of a guest's vCPU; see vcpu.h. */
#include <linux/errno.h>
#include "guest/control/vmm/vcpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define MAX_ENTRIES 256u

#define LEAF1_ECX_DEADLINE   (1u << 24)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_EDX_HTT        (1u << 28)
#define INVARIANT_TSC        0x100u
#define LEVEL_SMT            0x100u
#define LEVEL_CORE           0x201u

#define CR0_START  0x80050033ull /* PG, AM, WP, NE, ET, MP, PE */
#define CR4_PAE    0x20ull
#define EFER_START 0x500ull /* LMA, LME */

#define MSR_MISC_ENABLE    0x1a0u
#define MISC_FAST_STRING   1ull
#define MSR_MTRR_DEF_TYPE  0x2ffu
#define MTRR_ON_WRITE_BACK 0x806ull

static union {
	struct kvm_cpuid2 cpuid;
	u8 bytes[sizeof(struct kvm_cpuid2) + MAX_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
} supported;

/* Two figures that differ by more than 2 %. */
static bool differs(u64 a, u64 b)
{
	return MAX(a, b) - MIN(a, b) > b / 50;
}

/* Whether the frequency leaves tell another frequency than the true one. */
static bool frequency_lies(const struct kvm_cpuid2 *cpuid, u64 tsc_hz)
{
	bool lies = false;

	for (u32 i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
		if (e->function == 0x15 && e->eax && e->ebx && e->ecx)
			lies |= differs((u64)e->ecx * e->ebx / e->eax, tsc_hz);
		if (e->function == 0x16 && e->eax)
			lies |= differs(e->eax * 1000000ull, tsc_hz);
	}
	return lies;
}

static bool has_leaf(const struct kvm_cpuid2 *cpuid, u32 function)
{
	for (u32 i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function)
			return true;
	return false;
}

/* Bits of the APIC ID that tell the cores of the package apart. */
static u32 core_bits(u32 cpus)
{
	u32 bits = 0;

	while (1u << bits < cpus)
		bits++;
	return bits;
}

/* Leaves 0xb and 0x1f: one thread a core, all cores in one package. */
static void set_topology(struct kvm_cpuid_entry2 *e, u32 apic_id, u32 cpus)
{
	e->eax = e->index == 1 ? core_bits(cpus) : 0;
	e->ebx = e->index == 0 ? 1 : e->index == 1 ? cpus : 0;
	e->ecx = e->index == 0 ? LEVEL_SMT : e->index == 1 ? LEVEL_CORE : e->index;
	e->edx = apic_id;
}

/* Linux's KVM offers such a leaf without the second level, which is user space's to tell. */
static void add_core_level(struct kvm_cpuid2 *cpuid, u32 room, u32 function)
{
	const struct kvm_cpuid_entry2 *first = NULL;

	for (u32 i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
		if (e->function == function && e->index == 1)
			return;
		if (e->function == function && e->index == 0)
			first = e;
	}
	if (!first || cpuid->nent >= room)
		return;
	struct kvm_cpuid_entry2 *added = &cpuid->entries[cpuid->nent++];
	*added = *first;
	added->index = 1;
}

static void adjust_leaf1(struct kvm_cpuid_entry2 *e, u32 apic_id, u32 cpus)
{
	e->ebx = (e->ebx & 0xffffu) | 1u << (16 + core_bits(cpus)) | apic_id << 24;
	e->edx &= ~LEAF1_EDX_HTT;
	if (cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
}

/* The last level of the caches is shared by all cores, the others by none. */
static void adjust_caches(struct kvm_cpuid_entry2 *e, u32 cpus)
{
	u32 cores = (1u << core_bits(cpus)) - 1, level = e->eax >> 5 & 7;

	e->eax &= 0x3fffu;
	if (e->eax & 0x1f)
		e->eax |= cores << 26 | (level >= 3 ? cores << 14 : 0);
}

static void adjust_entry(struct kvm_cpuid_entry2 *e, u32 apic_id, u32 cpus, bool lies)
{
	switch (e->function) {
	case 0x1:
		adjust_leaf1(e, apic_id, cpus);
		break;
	case 0x4:
		adjust_caches(e, cpus);
		break;
	case 0xb:
	case 0x1f:
		set_topology(e, apic_id, cpus);
		break;
	case 0x15:
	case 0x16:
		if (lies)
			e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x80000007: /* a VM that is saved may go on where the TSC counts at another rate */
		e->edx &= ~INVARIANT_TSC;
		break;
	case 0x80000008: /* number of cores, less one */
		e->ecx = (e->ecx & ~0xffu) | (cpus - 1);
		break;
	default:
		break;
	}
}

void vcpu_adjust_cpuid(struct kvm_cpuid2 *cpuid, u32 room, u32 apic_id, u32 cpus, bool tsc_deadline,
		       u64 tsc_hz)
{
	bool lies = frequency_lies(cpuid, tsc_hz), hypervisor = has_leaf(cpuid, 0x40000000u);
	u32 features =
		(tsc_deadline ? LEAF1_ECX_DEADLINE : 0) | (hypervisor ? LEAF1_ECX_HYPERVISOR : 0);

	add_core_level(cpuid, room, 0xb);
	add_core_level(cpuid, room, 0x1f);
	for (u32 i = 0; i < cpuid->nent; i++) {
		adjust_entry(&cpuid->entries[i], apic_id, cpus, lies);
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= features;
	}
}

static s64 set_cpuid(u32 vcpu, u32 apic_id, u32 cpus, const char **step)
{
	*step = "KVM_GET_SUPPORTED_CPUID";
	memset(&supported, 0, sizeof(supported));
	supported.cpuid.nent = MAX_ENTRIES;
	s64 err = kvm0_ioctl_ptr(0, KVM_GET_SUPPORTED_CPUID, &supported);
	if (err < 0)
		return err;
	bool deadline = kvm0_ioctl(0, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	vcpu_adjust_cpuid(&supported.cpuid, MAX_ENTRIES, apic_id, cpus, deadline, time_tsc_hz());
	*step = "KVM_SET_CPUID2";
	return kvm0_ioctl_ptr(vcpu, KVM_SET_CPUID2, &supported);
}

static struct kvm_segment segment(u16 selector, u8 type, bool code)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code,
		.db = !code,
	};
}

static s64 set_sregs(u32 vcpu, const char **step)
{
	struct kvm_sregs s;

	*step = "KVM_GET_SREGS";
	s64 err = kvm0_ioctl_ptr(vcpu, KVM_GET_SREGS, &s);
	if (err < 0)
		return err;
	s.cs = segment(0x10, 0xb, true);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(0x18, 0x3, false);
	s.tr = (struct kvm_segment){.selector = 0x20, .limit = 0x67, .type = 0xb, .present = 1};
	s.ldt = (struct kvm_segment){.type = 2, .unusable = 1};
	s.gdt.base = LINUX_GDT;
	s.gdt.limit = 5 * 8 - 1;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = CR0_START;
	s.cr3 = LINUX_PAGE_TABLES;
	s.cr4 = CR4_PAE;
	s.efer = EFER_START;
	*step = "KVM_SET_SREGS";
	return kvm0_ioctl_ptr(vcpu, KVM_SET_SREGS, &s);
}

static s64 set_msrs(u32 vcpu, const char **step)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = {{.index = MSR_MISC_ENABLE, .data = MISC_FAST_STRING},
			    {.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ON_WRITE_BACK}},
	};

	*step = "KVM_SET_MSRS";
	/* Comforts for the kernel: it lives without those that are not taken. */
	return kvm0_ioctl_ptr(vcpu, KVM_SET_MSRS, &msrs);
}

static s64 set_registers(u32 vcpu, const struct linux_entry *entry, const char **step)
{
	struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};
	struct kvm_regs regs = {.rip = entry->rip, .rsi = entry->rsi, .rflags = 2};

	*step = "KVM_SET_FPU";
	s64 err = kvm0_ioctl_ptr(vcpu, KVM_SET_FPU, &fpu);
	if (err < 0)
		return err;
	*step = "KVM_SET_REGS";
	return kvm0_ioctl_ptr(vcpu, KVM_SET_REGS, &regs);
}

int vcpu_setup(u32 vcpu, u32 apic_id, u32 cpus, const char **step)
{
	s64 err = set_cpuid(vcpu, apic_id, cpus, step);

	if (err >= 0)
		err = set_msrs(vcpu, step);
	return err < 0 ? (int)err : 0;
}

int vcpu_start(u32 vcpu, const struct linux_entry *entry, const char **step)
{
	s64 err = set_sregs(vcpu, step);

	if (err >= 0)
		err = set_registers(vcpu, entry, step);
	return err < 0 ? (int)err : 0;
}
