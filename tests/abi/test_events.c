/* SPDX-License-Identifier: MIT */
/* KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS and KVM_NMI, without a guest that runs. */
#include "tests/abi/machine.h"

#define PAYLOAD KVM_VCPUEVENT_VALID_PAYLOAD
#define TRIPLE  KVM_VCPUEVENT_VALID_TRIPLE_FAULT
#define ALWAYS                                                                                     \
	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM)

static struct {
	int vm, vcpu;
} t;

static void open_vcpu(bool irqchip)
{
	t.vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	if (irqchip)
		CHECK_RESULT(t_ioctl(t.vm, KVM_CREATE_IRQCHIP, 0), 0);
	t.vcpu = CHECK_HANDLE(t_ioctl(t.vm, KVM_CREATE_VCPU, 0));
}

static long enable(u32 cap, u64 arg)
{
	struct kvm_enable_cap c = {.cap = cap, .args = {arg}};

	return t_ioctl_ptr(t.vm, KVM_ENABLE_CAP, &c);
}

static struct kvm_vcpu_events get(void)
{
	struct kvm_vcpu_events e;

	memset(&e, 0xee, sizeof(e));
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_GET_VCPU_EVENTS, &e), 0);
	return e;
}

static long set(const struct kvm_vcpu_events *e)
{
	return t_ioctl_ptr(t.vcpu, KVM_SET_VCPU_EVENTS, e);
}

static void events_initial(void)
{
	struct kvm_vcpu_events e, none = {.flags = ALWAYS};

	open_vcpu(false);
	e = get();
	CHECK(memcmp(&e, &none, sizeof(e)) == 0);
	CHECK_RESULT(t_ioctl(t.vcpu, KVM_GET_VCPU_EVENTS, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(t.vcpu, KVM_SET_VCPU_EVENTS, T_BAD_ADDRESS), -EFAULT);
}

static void events_flags_refused(void)
{
	struct kvm_vcpu_events e = {.flags = ALWAYS, .nmi.pending = 1}, before;

	open_vcpu(false);
	CHECK_RESULT(set(&e), 0);
	before = get();
	for (u32 bit = 4; bit < 32; bit++) {
		struct kvm_vcpu_events bad = {.flags = 1u << bit, .interrupt.injected = 1}, after;
		CHECK_RESULT(set(&bad), -EINVAL);
		after = get();
		/* Linux sees only at the end that this one is not enabled. */
		if (target_is_kvm0 || 1u << bit != TRIPLE)
			CHECK(memcmp(&before, &after, sizeof(before)) == 0);
		before = after;
	}
	CHECK_RESULT(enable(KVM_CAP_EXCEPTION_PAYLOAD, 1), 0);
	CHECK_EQUAL(get().flags, ALWAYS | PAYLOAD);
	CHECK_RESULT(enable(KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1), 0);
	CHECK_EQUAL(get().flags, ALWAYS | PAYLOAD | TRIPLE);
	CHECK_RESULT(enable(KVM_CAP_EXCEPTION_PAYLOAD, 0), 0);
	CHECK_EQUAL(get().flags, ALWAYS | TRIPLE);
}

static void events_exception(void)
{
	open_vcpu(false);
	for (u32 nr = 0; nr < 256; nr++) {
		struct kvm_vcpu_events e = {.exception = {.injected = 1, .nr = (u8)nr}};
		CHECK_RESULT(set(&e), nr > 31 || nr == 2 ? -EINVAL : 0);
		/* #BP and #OF come again from their instruction. */
		if (nr < 32 && nr != 2)
			CHECK_EQUAL(get().exception.injected, nr != 3 && nr != 4);
	}
	struct kvm_vcpu_events e = {
		.exception = {.injected = 5, .nr = 14, .has_error_code = 7, .error_code = 0x123}};
	CHECK_RESULT(set(&e), 0);
	e = get();
	CHECK_EQUAL(e.exception.injected, 1);
	CHECK_EQUAL(e.exception.nr, 14);
	CHECK_EQUAL(e.exception.has_error_code, 1);
	CHECK_EQUAL(e.exception.error_code, 0x123);
	CHECK_EQUAL(e.exception.pending, 0);
	/* Pending is nothing without the flag, and the vector then does not count. */
	e = (struct kvm_vcpu_events){.exception = {.pending = 1, .nr = 200}};
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().exception.injected, 0);
}

static void events_payload(void)
{
	struct kvm_vcpu_events e = {.flags = PAYLOAD,
				    .exception = {.pending = 1,
						  .injected = 1,
						  .nr = 14,
						  .has_error_code = 1,
						  .error_code = 2},
				    .exception_has_payload = 1,
				    .exception_payload = 0x123456789};
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	open_vcpu(false);
	CHECK_RESULT(enable(KVM_CAP_EXCEPTION_PAYLOAD, 1), 0);
	CHECK_RESULT(set(&e), 0);
	e = get();
	CHECK_EQUAL(e.exception.pending, 1);
	CHECK_EQUAL(e.exception.injected, 0);
	CHECK_EQUAL(e.exception.has_error_code, 1);
	CHECK_EQUAL(e.exception.error_code, 2);
	CHECK_EQUAL(e.exception_has_payload, 1);
	CHECK_EQUAL(e.exception_payload, 0x123456789);
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_GET_SREGS, &sregs), 0);
	CHECK_EQUAL(sregs.cr2, 0);
	/* New registers, and what was pending is no more. */
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_GET_REGS, &regs), 0);
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_SET_REGS, &regs), 0);
	CHECK_EQUAL(get().exception.pending, 0);
	e.exception.nr = 32;
	CHECK_RESULT(set(&e), -EINVAL);
	/* Injected has no payload. */
	e.exception.nr = 14;
	e.exception.pending = 0;
	e.exception.injected = 1;
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().exception_has_payload, 0);
	/* Without the capability the payload takes effect when it is got. */
	e.exception.pending = 1;
	e.exception_has_payload = 1;
	CHECK_RESULT(set(&e), 0);
	CHECK_RESULT(enable(KVM_CAP_EXCEPTION_PAYLOAD, 0), 0);
	e = get();
	CHECK_EQUAL(e.exception.injected, 1);
	CHECK_EQUAL(e.exception_has_payload, 0);
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_GET_SREGS, &sregs), 0);
	CHECK_EQUAL(sregs.cr2, 0x123456789);
}

/* An interrupt that was acknowledged shows in both structures, and both can set it. */
static void interrupt_injected(bool irqchip)
{
	struct kvm_vcpu_events e = {.interrupt = {.injected = 1, .nr = 0x93}};
	struct kvm_sregs s;

	open_vcpu(irqchip);
	CHECK_RESULT(set(&e), 0);
	e = get();
	CHECK_EQUAL(e.interrupt.injected, 1);
	CHECK_EQUAL(e.interrupt.nr, 0x93);
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_GET_SREGS, &s), 0);
	CHECK_EQUAL(s.interrupt_bitmap[2], 1u << 19);
	CHECK_EQUAL(s.interrupt_bitmap[0] | s.interrupt_bitmap[1] | s.interrupt_bitmap[3], 0);
	memset(s.interrupt_bitmap, 0, sizeof(s.interrupt_bitmap));
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_SET_SREGS, &s), 0);
	CHECK_EQUAL(get().interrupt.injected, 1);
	s.interrupt_bitmap[1] = 6; /* the lowest counts */
	CHECK_RESULT(t_ioctl_ptr(t.vcpu, KVM_SET_SREGS, &s), 0);
	CHECK_EQUAL(get().interrupt.nr, 65);
	e = (struct kvm_vcpu_events){.flags = 0};
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().interrupt.injected, 0);
	e.interrupt.injected = e.interrupt.soft = 1;
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().interrupt.injected, 0);
}

static void events_interrupt(void)
{
	interrupt_injected(false);
}

static void events_interrupt_irqchip(void)
{
	interrupt_injected(true);
}

static void events_shadow(void)
{
	static const u8 want[] = {0, KVM_X86_SHADOW_INT_MOV_SS, KVM_X86_SHADOW_INT_STI,
				  KVM_X86_SHADOW_INT_MOV_SS};

	machine_need_vmx("interrupt shadows");
	open_vcpu(false);
	for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
		struct kvm_vcpu_events e = {.flags = KVM_VCPUEVENT_VALID_SHADOW,
					    .interrupt.shadow = (u8)(i | 0xf0)};
		CHECK_RESULT(set(&e), 0);
		CHECK_EQUAL(get().interrupt.shadow, want[i]);
		e.flags = 0;
		e.interrupt.shadow = 0;
		CHECK_RESULT(set(&e), 0);
		CHECK_EQUAL(get().interrupt.shadow, want[i]);
	}
}

static void events_nmi(void)
{
	struct kvm_vcpu_events e = {.flags = KVM_VCPUEVENT_VALID_NMI_PENDING, .nmi.pending = 5};

	open_vcpu(false);
	CHECK_RESULT(set(&e), 0);
	if (!target_is_kvm0 && get().nmi.pending == 1)
		check_skip("this Linux does not tell how many NMIs are pending");
	CHECK_EQUAL(get().nmi.pending, 2); /* one to take now, and one behind it */
	e.flags = 0;
	e.nmi.pending = 0;
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().nmi.pending, 2);
	e.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	e.nmi.masked = 7;
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().nmi.pending, 0);
	CHECK_EQUAL(get().nmi.masked, 1);
	for (u32 i = 0; i < 3; i++)
		CHECK_RESULT(t_ioctl(t.vcpu, KVM_NMI, i), 0);
	CHECK_EQUAL(get().nmi.pending, 1);
	e.nmi.masked = 0;
	e.nmi.injected = 1;
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().nmi.injected, 1);
	CHECK_EQUAL(get().nmi.masked, 0);
	e.nmi.injected = 0;
	CHECK_RESULT(set(&e), 0);
	for (u32 i = 0; i < 3; i++)
		CHECK_RESULT(t_ioctl(t.vcpu, KVM_NMI, 0), 0);
	CHECK_EQUAL(get().nmi.pending, 2);
}

/* There is no SMM, and nothing about it can be set; but INIT is. */
static void events_smi(void)
{
	struct kvm_vcpu_events e = {.flags = KVM_VCPUEVENT_VALID_SMM};
	struct kvm_mp_state mp;
	int second;

	if (t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_X86_SMM))
		check_skip("this host's KVM offers SMM");
	open_vcpu(true);
	CHECK_RESULT(t_ioctl(t.vcpu, KVM_SMI, 0), -ENOTTY);
	for (u32 i = 1; i < 8; i++) {
		e.smi.smm = i & 1;
		e.smi.pending = i >> 1 & 1;
		e.smi.smm_inside_nmi = i >> 2 & 1;
		CHECK_RESULT(set(&e), -EINVAL);
	}
	second = CHECK_HANDLE(t_ioctl(t.vm, KVM_CREATE_VCPU, 1));
	e = (struct kvm_vcpu_events){.flags = KVM_VCPUEVENT_VALID_SMM, .smi.latched_init = 1};
	CHECK_RESULT(t_ioctl_ptr(second, KVM_SET_VCPU_EVENTS, &e), 0);
	CHECK_RESULT(t_ioctl_ptr(second, KVM_GET_MP_STATE, &mp), 0);
	CHECK_EQUAL(mp.mp_state, KVM_MP_STATE_INIT_RECEIVED);
}

static void events_triple_fault(void)
{
	struct kvm_vcpu_events e = {.flags = TRIPLE, .triple_fault.pending = 9};
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	t.vm = m.vm;
	t.vcpu = m.vcpu;
	CHECK_RESULT(set(&e), -EINVAL);
	CHECK_RESULT(enable(KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1), 0);
	machine_start(&m, long_done);
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().triple_fault.pending, 1);
	e.flags = 0;
	CHECK_RESULT(set(&e), 0);
	CHECK_EQUAL(get().triple_fault.pending, 1);
	machine_run(&m, KVM_EXIT_SHUTDOWN);
	CHECK_EQUAL(get().triple_fault.pending, 0);
	e.flags = TRIPLE;
	CHECK_RESULT(set(&e), 0);
	e.triple_fault.pending = 0;
	CHECK_RESULT(set(&e), 0);
	machine_run_out(&m, PORT_DONE);
}

SUITE(events, TEST(events_initial), TEST(events_flags_refused), TEST(events_exception),
      TEST(events_payload), TEST(events_interrupt), TEST(events_interrupt_irqchip),
      TEST(events_shadow), TEST(events_nmi), TEST(events_smi), TEST(events_triple_fault));
