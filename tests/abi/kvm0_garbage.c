/* SPDX-License-Identifier: MIT */
/*
 * A vCPU whose state is garbage is entered: whatever VM entry, XRSTOR or WRMSR think of it, kvm0
 * goes on.  There is no memory, so that nothing is carried out for long.
 */
#include "tests/abi/kvm0_garbage.h"
#include "tests/abi/machine.h"

#define ROUNDS 400u

/* Requests that get and set a whole structure, with its bytes. */
static const struct {
	u64 get, set;
	u32 size;
} kinds[] = {
	{KVM_GET_REGS, KVM_SET_REGS, sizeof(struct kvm_regs)},
	{KVM_GET_SREGS, KVM_SET_SREGS, sizeof(struct kvm_sregs)},
	{KVM_GET_SREGS2, KVM_SET_SREGS2, sizeof(struct kvm_sregs2)},
	{KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events)},
	{KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, sizeof(struct kvm_debugregs)},
	{KVM_GET_XSAVE, KVM_SET_XSAVE, 1024},
	{KVM_GET_FPU, KVM_SET_FPU, sizeof(struct kvm_fpu)},
	{KVM_GET_XCRS, KVM_SET_XCRS, 64},
	{KVM_GET_LAPIC, KVM_SET_LAPIC, sizeof(struct kvm_lapic_state)},
	{KVM_GET_MP_STATE, KVM_SET_MP_STATE, sizeof(struct kvm_mp_state)},
	{0, KVM_SET_GUEST_DEBUG, sizeof(struct kvm_guest_debug)},
};

static const u32 msrs[] = {0x10,       0x1b,       0x3a,       0x3b,       0x174,      0x175,
			   0x176,      0x1a0,      0x1d9,      0x277,      0x2ff,      0x6e0,
			   0x80b,      0x830,      0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083,
			   0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103};

static u64 seed;

static u32 random(u32 below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % below;
}

/* Some of its bits, and now and then whole bytes, are other ones. */
static void spoil(u8 *bytes, u32 size)
{
	for (u32 n = 1 + random(4); n; n--) {
		u32 at = random(size), len = 1 + random(8);

		if (random(3))
			bytes[at] ^= (u8)(1u << random(8));
		else
			memset(bytes + at, random(2) ? 0xff : (int)random(256),
			       MIN(size - at, len));
	}
}

static void spoil_state(int vcpu)
{
	static u8 area[4096];
	u32 kind = random(ARRAY_SIZE(kinds) + 1);

	if (kind == ARRAY_SIZE(kinds)) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} one = {.head.nmsrs = 1, .entry.index = msrs[random(ARRAY_SIZE(msrs))]};

		t_ioctl_ptr(vcpu, KVM_GET_MSRS, &one);
		spoil((u8 *)&one.entry.data, sizeof(one.entry.data));
		t_ioctl_ptr(vcpu, KVM_SET_MSRS, &one);
		return;
	}
	memset(area, 0, sizeof(area));
	if (kinds[kind].get)
		t_ioctl_ptr(vcpu, kinds[kind].get, area);
	spoil(area, kinds[kind].size);
	t_ioctl_ptr(vcpu, kinds[kind].set, area);
}

static void garbage(u32 options)
{
	struct machine m;

	for (u32 round = 0; round < ROUNDS; round++) {
		if (round % 50 == 0) {
			if (round) {
				CHECK_RESULT(t_close(m.vcpu), 0);
				CHECK_RESULT(t_close(m.vm), 0);
				machine_reopen(&m);
			} else {
				machine_open(&m, MODE_LONG, options);
			}
			CHECK_RESULT(machine_slot(m.vm, 0, 0, 0, 0, NULL), 0);
			CHECK_RESULT(machine_slot(m.vm, 1, 0, GPA_HIGH, 0, NULL), 0);
		}
		for (u32 n = random(3) + 1; n; n--)
			spoil_state(m.vcpu);
		m.run->request_interrupt_window = 0;
		t_run_quick(m.vcpu);
	}
	t_close(m.vcpu);
	t_close(m.vm);
	machine_reopen(&m);
	machine_do(&m, long_done);
}

static void kvm0_garbage(void)
{
	seed = 1;
	garbage(MACHINE_CPUID);
}

static void kvm0_garbage_irqchip(void)
{
	seed = 2;
	garbage(MACHINE_CPUID | MACHINE_IRQCHIP);
}

SUITE(kvm0_garbage, TEST(kvm0_garbage), TEST(kvm0_garbage_irqchip));
