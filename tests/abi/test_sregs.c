/* SPDX-License-Identifier: MIT */
/* KVM_GET_SREGS2 and KVM_SET_SREGS2, and what both kinds of SREGS take that is not plain. */
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

#define CR0_PE   (1ull << 0)
#define CR0_PG   (1ull << 31)
#define CR4_PAE  (1ull << 5)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define PDPTRS   KVM_SREGS2_FLAGS_PDPTRS_VALID

static int new_vcpu(u8 *memory)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	CHECK_RESULT(machine_slot(vm, 0, 0, 0, PAGE_SIZE, memory), 0);
	return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
}

static struct kvm_sregs2 get(int vcpu)
{
	struct kvm_sregs2 s;

	memset(&s, 0xee, sizeof(s));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS2, &s), 0);
	return s;
}

static long set(int vcpu, const struct kvm_sregs2 *s)
{
	return t_ioctl_ptr(vcpu, KVM_SET_SREGS2, s);
}

/* The same as KVM_GET_SREGS, but for what stands at the end. */
static void sregs2_common(void)
{
	struct kvm_sregs2 s, after;
	struct kvm_sregs old;
	int vcpu = new_vcpu(check_pages(PAGE_SIZE));

	s = get(vcpu);
	CHECK_EQUAL(s.flags, 0);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQUAL(s.pdptrs[i], 0);
	s.es.base = 0x12340;
	s.cr2 = 0x123456789;
	s.cr3 = 0x3000;
	s.cr8 = 5;
	CHECK_RESULT(set(vcpu, &s), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &old), 0);
	CHECK(!memcmp(&s, &old, offsetof(struct kvm_sregs, interrupt_bitmap)));
	after = get(vcpu);
	CHECK(!memcmp(&s, &after, sizeof(s)));
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_SREGS2, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_SREGS2, T_BAD_ADDRESS), -EFAULT);
}

static void refuse(int vcpu, const struct kvm_sregs2 *bad)
{
	struct kvm_sregs2 before = get(vcpu), after;

	CHECK_RESULT(set(vcpu, bad), -EINVAL);
	after = get(vcpu);
	CHECK(!memcmp(&before, &after, sizeof(before)));
}

static void sregs2_refused(void)
{
	struct kvm_sregs2 good, s;
	int vcpu = new_vcpu(check_pages(PAGE_SIZE));

	good = get(vcpu);
	for (u32 bit = 0; bit < 64; bit++) {
		s = good; /* PDPTRS too: there is no PAE paging */
		s.flags = 1ull << bit;
		s.cr2 = 0x1234;
		refuse(vcpu, &s);
	}
	s = good;
	s.flags = PDPTRS;
	s.cr0 |= CR0_PG | CR0_PE;
	s.cr4 = CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;
	refuse(vcpu, &s);
	s.flags = 0;
	s.cr3 = 1ull << 52; /* wider than any */
	refuse(vcpu, &s);
	s.cr3 = 0;
	s.efer = EFER_LMA; /* active, not enabled */
	refuse(vcpu, &s);
	s = good;
	s.cr4 = 1ull << 31;
	refuse(vcpu, &s);
	s = good;
	s.apic_base = 0xfee00901;
	refuse(vcpu, &s);
	s = good;
	s.efer = EFER_LME; /* enabled, and to become active with paging */
	CHECK_RESULT(set(vcpu, &s), 0);
	CHECK_EQUAL(get(vcpu).efer, EFER_LME);
}

/* With PAE paging the four entries are given, or read where CR3 points. */
static void sregs2_pdptrs(void)
{
	u64 *memory = check_pages(PAGE_SIZE);
	struct kvm_sregs2 s;
	int vcpu;

	machine_need_vmx("PAE paging");
	vcpu = new_vcpu((u8 *)memory);
	for (u32 i = 0; i < 4; i++)
		memory[i] = 0x10001 + i * PAGE_SIZE;
	s = get(vcpu);
	s.cr0 |= CR0_PG | CR0_PE;
	s.cr4 = CR4_PAE;
	CHECK_RESULT(set(vcpu, &s), 0);
	s = get(vcpu);
	CHECK_EQUAL(s.flags, PDPTRS);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQUAL(s.pdptrs[i], memory[i]);
	for (u32 i = 0; i < 4; i++)
		s.pdptrs[i] = 0x20001 + i * PAGE_SIZE;
	CHECK_RESULT(set(vcpu, &s), 0);
	s = get(vcpu);
	CHECK_EQUAL(s.flags, PDPTRS);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQUAL(s.pdptrs[i], 0x20001 + i * PAGE_SIZE);
	s.flags = 0;
	CHECK_RESULT(set(vcpu, &s), 0);
	CHECK_EQUAL(get(vcpu).pdptrs[3], memory[3]);
	s.flags = 1ull << 63;
	refuse(vcpu, &s);
}

/* A task priority that is too large is passed over, and the rest is set. */
static void sregs_cr8(void)
{
	int vcpu = new_vcpu(check_pages(PAGE_SIZE));
	struct kvm_sregs2 s = get(vcpu);

	s.cr8 = 15;
	CHECK_RESULT(set(vcpu, &s), 0);
	CHECK_EQUAL(get(vcpu).cr8, 15);
	s.cr8 = 16;
	s.cr2 = 0x5678;
	CHECK_RESULT(set(vcpu, &s), 0);
	CHECK_EQUAL(get(vcpu).cr8, 15);
	CHECK_EQUAL(get(vcpu).cr2, 0x5678);
	s.cr8 = ~0ull;
	CHECK_RESULT(set(vcpu, &s), 0);
	CHECK_EQUAL(get(vcpu).cr8, 15);
}

SUITE(sregs, TEST(sregs2_common), TEST(sregs2_refused), TEST(sregs2_pdptrs), TEST(sregs_cr8));
