/* SPDX-License-Identifier: MIT */
/* MSR_KVM_ASYNC_PF_EN, INT and ACK: what they take, and the token that ends every wait. */
#include <linux/kvm_para.h>
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

#define ON     (KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)
#define AREA   GPA_BUFFER
#define TOKEN  (AREA + 4)
#define IRR    0x200u
#define VECTOR VECTOR_XAPIC

static long set_msr(int vcpu, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	return t_ioctl_ptr(vcpu, KVM_SET_MSRS, &msr);
}

static void apf_msrs(void)
{
	static const struct {
		u32 index;
		u64 value;
		long result;
	} cases[] = {
		{MSR_KVM_ASYNC_PF_EN, AREA | ON, 1},
		{MSR_KVM_ASYNC_PF_EN, AREA | ON | KVM_ASYNC_PF_SEND_ALWAYS, 1},
		{MSR_KVM_ASYNC_PF_EN, AREA | ON | KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT, 1},
		{MSR_KVM_ASYNC_PF_EN, AREA | ON | 0x10, 0},
		{MSR_KVM_ASYNC_PF_EN, AREA | ON | 0x20, 0},
		{MSR_KVM_ASYNC_PF_EN, GPA_HOLE | ON, 0},
		{MSR_KVM_ASYNC_PF_EN, GPA_HOLE | KVM_ASYNC_PF_ENABLED, 1}, /* not in use */
		{MSR_KVM_ASYNC_PF_EN, GPA_HOLE | KVM_ASYNC_PF_DELIVERY_AS_INT, 1},
		{MSR_KVM_ASYNC_PF_EN, 0, 1},
		{MSR_KVM_ASYNC_PF_INT, VECTOR, 1},
		{MSR_KVM_ASYNC_PF_INT, 0xff, 1},
		{MSR_KVM_ASYNC_PF_INT, 0x100, 0},
		{MSR_KVM_ASYNC_PF_INT, 1ull << 63, 0},
		{MSR_KVM_ASYNC_PF_INT, 0, 1},
		{MSR_KVM_ASYNC_PF_ACK, 0, 1},
		{MSR_KVM_ASYNC_PF_ACK, 1, 1},
		{MSR_KVM_ASYNC_PF_ACK, ~0ull, 1},
	};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		if (set_msr(m.vcpu, cases[i].index, cases[i].value) != cases[i].result)
			check_fail(__FILE__, __LINE__, "MSR 0x%x: 0x%llx does not give %ld",
				   cases[i].index, cases[i].value, cases[i].result);
		if (cases[i].result)
			CHECK_EQUAL(machine_get_msr(&m, cases[i].index),
				    cases[i].index == MSR_KVM_ASYNC_PF_ACK ? 0 : cases[i].value);
	}
}

static void apf_without_irqchip(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_ASYNC_PF_EN, 0), 1);
	CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_ASYNC_PF_EN, AREA | ON), 0);
	CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_ASYNC_PF_EN, KVM_ASYNC_PF_SEND_ALWAYS), 0);
	CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_ASYNC_PF_INT, VECTOR), 0);
	CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_ASYNC_PF_INT, 0), 0);
}

static bool is_requested(const struct machine *m, u8 vector)
{
	struct kvm_lapic_state s;
	u32 word;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, &s), 0);
	memcpy(&word, s.regs + IRR + vector / 32 * 0x10, sizeof(word));
	return word >> vector % 32 & 1;
}

/* Whatever the guest waits for when it is enabled, it is told to try again; once the last token
 * has been taken. */
static void apf_wake_all(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	machine_enable_apic(&m);
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_INT, VECTOR);
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_EN, AREA | ON);
	machine_do(&m, long_done);
	CHECK_EQUAL(machine_u32(&m, TOKEN), 0xffffffff);
	CHECK_EQUAL(machine_u32(&m, AREA), 0);
	CHECK(is_requested(&m, VECTOR));
	*(u32 *)machine_at(&m, TOKEN) = 0x77;
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_EN, AREA | ON);
	machine_do(&m, long_done);
	CHECK_EQUAL(machine_u32(&m, TOKEN), 0x77);
	*(u32 *)machine_at(&m, TOKEN) = 0;
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_ACK, 1);
	machine_do(&m, long_done);
	CHECK_EQUAL(machine_u32(&m, TOKEN), 0xffffffff);
	/* Turned off: nothing more comes. */
	*(u32 *)machine_at(&m, TOKEN) = 0;
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_EN, AREA | ON);
	machine_set_msr(&m, MSR_KVM_ASYNC_PF_EN, AREA);
	machine_do(&m, long_done);
	CHECK_EQUAL(machine_u32(&m, TOKEN), 0);
}

SUITE(pv_apf, TEST(apf_msrs), TEST(apf_without_irqchip), TEST(apf_wake_all));
