/* SPDX-License-Identifier: MIT */
/* KVM_GET_XSAVE, KVM_SET_XSAVE, KVM_GET_XSAVE2, KVM_GET_XCRS, KVM_SET_XCRS; KVM_TRANSLATE. */
#include "tests/abi/machine.h"

#define FCW    0u /* in words of 32 bits */
#define MXCSR  6u
#define XMM0   40u
#define HEADER 128u /* XSTATE_BV; XCOMP_BV and what is reserved behind it */

static int open_vcpu(void)
{
	struct cpuid_table *table = check_pages(sizeof(*table));
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	machine_guest_cpuid(table);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, table), 0);
	if (!t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_XCRS))
		check_skip("no XSAVE on this machine");
	return vcpu;
}

static void xsave_used(void)
{
	struct kvm_xsave *x = check_pages(sizeof(*x)), *y = check_pages(sizeof(*y));
	int vcpu = open_vcpu();

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_XSAVE, x), 0);
	CHECK_EQUAL(x->region[FCW], 0x37f);
	CHECK_EQUAL(x->region[MXCSR], 0x1f80);
	/* Only what XSTATE_BV has counts; all else has its initial configuration. */
	x->region[FCW] = 0x27f;
	x->region[MXCSR] = 0x1f00;
	x->region[XMM0] = 0x66;
	for (u32 used = 0; used < 4; used++) {
		x->region[HEADER] = used;
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XSAVE, x), 0);
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_XSAVE, y), 0);
		CHECK_EQUAL(y->region[HEADER], used);
		CHECK_EQUAL(y->region[FCW], used & 1 ? 0x27f : 0x37f);
		CHECK_EQUAL(y->region[MXCSR], used & 2 ? 0x1f00 : 0x1f80);
		CHECK_EQUAL(y->region[XMM0], used & 2 ? 0x66 : 0);
	}
	memset(x, 0xee, sizeof(*x));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_XSAVE2, x), 0);
	CHECK(memcmp(x, y, sizeof(*x)) == 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_XSAVE, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_XSAVE2, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_XSAVE, T_BAD_ADDRESS), -EFAULT);
}

static void xsave_refused(void)
{
	struct kvm_xsave *x = check_pages(sizeof(*x)), *y = check_pages(sizeof(*y));
	int vcpu = open_vcpu();

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_XSAVE, x), 0);
	x->region[HEADER] = 3;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XSAVE, x), 0);
	for (u32 word = 1; word < 16; word++) {
		*y = *x;
		y->region[HEADER + word] = 1u << 31; /* no component; compaction; reserved */
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XSAVE, y), -EINVAL);
	}
	*y = *x;
	y->region[MXCSR] = ~0u;
	for (u32 used = 1; used < 4; used++) {
		y->region[HEADER] = used;
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XSAVE, y), -EINVAL);
	}
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_XSAVE, y), 0);
	CHECK(memcmp(x, y, sizeof(*x)) == 0);
	y->region[MXCSR] = ~0u; /* of no meaning while nothing that it is for is used */
	y->region[HEADER] = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XSAVE, y), 0);
}

static void xsave_xcrs(void)
{
	int vcpu = open_vcpu();
	struct kvm_xcrs x;

	memset(&x, 0xee, sizeof(x));
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_XCRS, &x), 0);
	CHECK_EQUAL(x.nr_xcrs, 1);
	CHECK_EQUAL(x.flags, 0);
	CHECK_EQUAL(x.xcrs[0].xcr, 0);
	CHECK_EQUAL(x.xcrs[0].value, 1);
	x.nr_xcrs = KVM_MAX_XCRS + 1;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XCRS, &x), -EINVAL);
	x.nr_xcrs = ~0u;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XCRS, &x), -EINVAL);
	x.nr_xcrs = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XCRS, &x), 0);
	x.flags = 1;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XCRS, &x), -EINVAL);
	x.flags = 0;
	x.nr_xcrs = 1;
	for (u32 i = 0; i < 3; i++) {
		static const u64 wrong[] = {0, 2, 1ull << 62 | 1};
		x.xcrs[0].value = wrong[i];
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XCRS, &x), -EINVAL);
	}
	x.xcrs[0].xcr = 1; /* another register is passed over */
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_XCRS, &x), 0);
	CHECK_RESULT(t_ioctl(vcpu, KVM_GET_XCRS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_XCRS, T_BAD_ADDRESS), -EFAULT);
}

static void xsave_translate(void)
{
	struct kvm_translation t;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	memset(&t, 0xee, sizeof(t));
	t.linear_address = GPA_CODE + 5;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_TRANSLATE, &t), 0);
	CHECK_EQUAL(t.physical_address, GPA_CODE + 5);
	CHECK_EQUAL(t.valid, 1);
	CHECK_EQUAL(t.writeable, 1);
	CHECK_EQUAL(t.usermode, 0);
	CHECK_EQUAL(t.pad[0], 0xee);
	t.linear_address = GVA_UNMAPPED;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_TRANSLATE, &t), 0);
	CHECK_EQUAL(t.physical_address, ~0ull);
	CHECK_EQUAL(t.valid, 0);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_TRANSLATE, T_BAD_ADDRESS), -EFAULT);
}

SUITE(xsave, TEST(xsave_used), TEST(xsave_refused), TEST(xsave_xcrs), TEST(xsave_translate));
