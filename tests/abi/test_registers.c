/* SPDX-License-Identifier: MIT */
/* A vCPU's registers as the calls set and give them: REGS, SREGS, FPU, without running it. */
#include "tests/abi/machine.h"

#define CR0_PE (1ull << 0)
#define CR0_NW (1ull << 29)
#define CR0_PG (1ull << 31)

static int new_vcpu(void)
{
	struct cpuid_table *cpuid = check_pages(sizeof(*cpuid));
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	machine_guest_cpuid(cpuid);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, cpuid), 0);
	return vcpu;
}

static void registers_initial(void)
{
	int vcpu = new_vcpu();
	struct kvm_regs r;
	struct kvm_sregs s;

	/* SDM vol. 3, "Processor State After Reset". */
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_REGS, &r), 0);
	CHECK_EQUAL(r.rip, 0xfff0);
	CHECK_EQUAL(r.rflags, 2);
	CHECK_EQUAL(r.rax, 0);
	CHECK_EQUAL(r.rsp, 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &s), 0);
	CHECK_EQUAL(s.cs.selector, 0xf000);
	CHECK_EQUAL(s.cs.base, 0xffff0000);
	CHECK_EQUAL(s.cs.limit, 0xffff);
	CHECK_EQUAL(s.ds.base, 0);
	CHECK_EQUAL(s.ds.limit, 0xffff);
	CHECK_EQUAL(s.ss.type, 3);
	CHECK_EQUAL(s.tr.type, 11);
	CHECK_EQUAL(s.idt.limit, 0xffff);
	CHECK_EQUAL(s.gdt.limit, 0xffff);
	CHECK_EQUAL(s.cr0, 0x60000010);
	CHECK_EQUAL(s.cr2, 0);
	CHECK_EQUAL(s.cr3, 0);
	CHECK_EQUAL(s.cr4, 0);
	CHECK_EQUAL(s.cr8, 0);
	CHECK_EQUAL(s.efer, 0);
	CHECK_EQUAL(s.apic_base, 0xfee00900);
	for (u32 i = 0; i < ARRAY_SIZE(s.interrupt_bitmap); i++)
		CHECK_EQUAL(s.interrupt_bitmap[i], 0);
}

static void registers_round_trip(void)
{
	int vcpu = new_vcpu();
	struct kvm_regs r, got;
	u64 *value = (u64 *)(void *)&r;

	for (u32 i = 0; i < sizeof(r) / sizeof(u64); i++)
		value[i] = 0x0123456789abcdefull * (i + 1);
	r.rip = 0xfedcba9876543210;
	r.rflags = 0x202;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_REGS, &r), 0);
	memset(&got, 0, sizeof(got));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_REGS, &got), 0);
	CHECK(memcmp(&r, &got, sizeof(r)) == 0);
	/* Bit 1 of RFLAGS is always one. */
	r.rflags = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_REGS, &r), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_REGS, &got), 0);
	CHECK_EQUAL(got.rflags, 2);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_REGS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_REGS, T_BAD_ADDRESS), -EFAULT);
}

static void registers_sregs_round_trip(void)
{
	int vcpu = new_vcpu();
	struct kvm_sregs s, got;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &s), 0);
	s.ds.base = 0x12340;
	s.ds.selector = 0x1234;
	s.fs.base = 0x56780;
	s.fs.selector = 0x5678;
	s.gdt.base = 0x1000;
	s.gdt.limit = 0x7f;
	s.idt.base = 0x2000;
	s.idt.limit = 0x3ff;
	s.cr2 = 0x123456789;
	s.cr3 = 0x3000;
	s.cr8 = 5;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SREGS, &s), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &got), 0);
	CHECK_EQUAL(got.ds.base, 0x12340);
	CHECK_EQUAL(got.ds.selector, 0x1234);
	CHECK_EQUAL(got.fs.base, 0x56780);
	CHECK_EQUAL(got.gdt.base, 0x1000);
	CHECK_EQUAL(got.gdt.limit, 0x7f);
	CHECK_EQUAL(got.idt.base, 0x2000);
	CHECK_EQUAL(got.idt.limit, 0x3ff);
	CHECK_EQUAL(got.cr2, 0x123456789);
	CHECK_EQUAL(got.cr3, 0x3000);
	CHECK_EQUAL(got.cr8, 5);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_SREGS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_SREGS, T_BAD_ADDRESS), -EFAULT);
}

/* Long mode, as a VMM sets it up for a 64-bit kernel. */
static void registers_sregs_long(void)
{
	struct machine m;
	struct kvm_sregs s;

	machine_open(&m, MODE_LONG, 0);
	s = machine_sregs(&m);
	CHECK_EQUAL(s.efer, 0xd00);
	CHECK_EQUAL(s.cr0, 0x80010033);
	CHECK_EQUAL(s.cr4, 0x620);
	CHECK_EQUAL(s.cs.l, 1);
	CHECK_EQUAL(s.cs.limit, 0xffffffff);
	CHECK_EQUAL(s.cs.g, 1);
	CHECK_EQUAL(s.ldt.unusable, 1);
}

static void refuse(int vcpu, const struct kvm_sregs *bad, int line)
{
	struct kvm_sregs before, after;
	long r;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &before), 0);
	r = t_ioctl_ptr(vcpu, KVM_SET_SREGS, bad);
	if (r != -EINVAL)
		check_fail(__FILE__, line, "KVM_SET_SREGS gives %ld, not -EINVAL", r);
	/* A refused call changes nothing that can be seen. */
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &after), 0);
	if (memcmp(&before, &after, sizeof(before)))
		check_fail(__FILE__, line, "a refused KVM_SET_SREGS changed the registers");
}

static void registers_sregs_refused(void)
{
	int vcpu = new_vcpu();
	struct kvm_sregs good, s;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &good), 0);
	s = good;
	s.cr0 = CR0_PG | 0x10; /* paging without protection */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.cr0 = (good.cr0 | CR0_NW) & ~(1ull << 30); /* not write-through, but cached */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.cr0 |= 1ull << 32;
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.cr4 = 1ull << 31; /* reserved */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.cr4 = 1ull << 13; /* VMXE, which CPUID does not offer */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.efer = 0x500; /* long mode active without paging */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.cs.l = 1; /* a 64-bit code segment outside long mode */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.cr0 |= CR0_PG | CR0_PE;
	s.efer = 0x500; /* long mode without PAE */
	refuse(vcpu, &s, __LINE__);
	s.cr4 = 0x20;
	s.efer = 0x100; /* enabled, paging on, not active */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.apic_base = 0xfee00901; /* reserved bit */
	refuse(vcpu, &s, __LINE__);
	s = good;
	s.apic_base = 0xfee00500; /* x2APIC without the global enable */
	refuse(vcpu, &s, __LINE__);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SREGS, &good), 0);
}

/* MXCSR has a place in the structure, but KVM transfers it neither way. */
static void registers_fpu(void)
{
	int vcpu = new_vcpu();
	struct kvm_fpu f, got;

	memset(&f, 0xff, sizeof(f));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_FPU, &f), 0);
	CHECK_EQUAL(f.fcw, 0x37f);
	CHECK_EQUAL(f.fsw, 0);
	for (u32 i = 0; i < 16; i++)
		for (u32 j = 0; j < 16; j++)
			f.xmm[i][j] = (u8)(i * 16 + j);
	for (u32 i = 0; i < 8; i++)
		for (u32 j = 0; j < 10; j++)
			f.fpr[i][j] = (u8)(0x80 + i * 10 + j);
	f.fcw = 0x27f;
	f.fsw = 0x3800;
	f.ftwx = 0xff;
	f.last_opcode = 0x123;
	f.last_ip = 0x1234;
	f.last_dp = 0x5678;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_FPU, &f), 0);
	memset(&got, 0, sizeof(got));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_FPU, &got), 0);
	CHECK_EQUAL(got.fcw, f.fcw);
	CHECK_EQUAL(got.fsw, f.fsw);
	CHECK_EQUAL(got.ftwx, f.ftwx);
	CHECK_EQUAL(got.last_opcode, f.last_opcode);
	CHECK_EQUAL(got.last_ip, f.last_ip);
	CHECK_EQUAL(got.last_dp, f.last_dp);
	CHECK(memcmp(got.xmm, f.xmm, sizeof(f.xmm)) == 0);
	for (u32 i = 0; i < 8; i++)
		CHECK(memcmp(got.fpr[i], f.fpr[i], 10) == 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_FPU, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_FPU, T_BAD_ADDRESS), -EFAULT);
}

SUITE(registers, TEST(registers_initial), TEST(registers_round_trip),
      TEST(registers_sregs_round_trip), TEST(registers_sregs_long), TEST(registers_sregs_refused),
      TEST(registers_fpu));
