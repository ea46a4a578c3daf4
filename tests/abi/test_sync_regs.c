/* SPDX-License-Identifier: MIT */
/* Registers in kvm_run: KVM_CAP_SYNC_REGS. */
#include "tests/abi/machine.h"

#define ALL (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

static void sync_unknown(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(t_ioctl(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS), ALL);
	machine_start(&m, long_done);
	for (u32 bit = 3; bit < 64; bit++) {
		m.run->kvm_valid_regs = 1ull << bit | ALL;
		CHECK_RESULT(t_run(m.vcpu), -EINVAL);
		m.run->kvm_valid_regs = 0;
		m.run->kvm_dirty_regs = 1ull << bit;
		CHECK_RESULT(t_run(m.vcpu), -EINVAL);
		m.run->kvm_dirty_regs = 0;
	}
	machine_run_out(&m, PORT_DONE);
}

/* What comes out is what the calls give. */
static void sync_out(void)
{
	struct kvm_sync_regs *s;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	s = &m.run->s.regs;
	memset(s, 0xee, sizeof(*s));
	/* Linux 6.1 leaves what it has no use for as it was. */
	memset(&s->events, 0, sizeof(s->events));
	memset(&events, 0, sizeof(events));
	m.run->kvm_valid_regs = ALL;
	m.regs.rbx = 0x1122334455667788;
	machine_do(&m, long_done);
	regs = machine_regs(&m);
	sregs = machine_sregs(&m);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_VCPU_EVENTS, &events), 0);
	CHECK_EQUAL(s->regs.rbx, 0x1122334455667788);
	CHECK(memcmp(&regs, &s->regs, sizeof(regs)) == 0);
	CHECK_EQUAL(s->sregs.cr0, sregs.cr0);
	CHECK_EQUAL(s->sregs.cr3, sregs.cr3);
	CHECK_EQUAL(s->sregs.efer, sregs.efer);
	CHECK_EQUAL(s->sregs.cs.selector, sregs.cs.selector);
	CHECK(memcmp(&events, &s->events, sizeof(events)) == 0);
	/* Not asked for, not written; also at a run that ends at once. */
	memset(s, 0xee, sizeof(*s));
	m.run->kvm_valid_regs = KVM_SYNC_X86_SREGS;
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(s->regs.rbx, 0xeeeeeeeeeeeeeeee);
	CHECK_EQUAL(s->sregs.cr3, sregs.cr3);
	CHECK_EQUAL(s->events.flags, 0xeeeeeeee);
}

static void sync_in(void)
{
	struct kvm_sync_regs *s;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	s = &m.run->s.regs;
	m.run->kvm_valid_regs = ALL;
	machine_do(&m, long_done);
	s->regs.rip = machine_entry(long_done);
	s->regs.rbp = 0x1234;
	s->sregs.cr2 = 0x5678;
	s->events.nmi.masked = 1;
	m.run->kvm_dirty_regs = ALL;
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(m.run->kvm_dirty_regs, 0);
	CHECK_EQUAL(machine_regs(&m).rbp, 0x1234);
	CHECK_EQUAL(machine_sregs(&m).cr2, 0x5678);
	CHECK_EQUAL(s->regs.rbp, 0x1234);
	CHECK_EQUAL(s->sregs.cr2, 0x5678);
	if (t_has_vmx())
		CHECK_EQUAL(s->events.nmi.masked, 1);
	/* Not dirty, not used. */
	s->regs.rip = 0;
	s->sregs.cr3 = 0;
	machine_start(&m, long_done);
	machine_run_out(&m, PORT_DONE);
}

/* What is wrong is found one by one: what stands before it is set. */
static void sync_refused(void)
{
	struct kvm_sync_regs *s;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	s = &m.run->s.regs;
	m.run->kvm_valid_regs = ALL;
	machine_do(&m, long_done);
	s->regs.rbp = 0x4321;
	s->sregs.cr0 = 1ull << 40;
	m.run->kvm_dirty_regs = ALL;
	CHECK_RESULT(t_run(m.vcpu), -EINVAL);
	CHECK_EQUAL(m.run->kvm_dirty_regs, KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
	CHECK_EQUAL(machine_regs(&m).rbp, 0x4321);
	s->sregs = machine_sregs(&m);
	s->events.flags = 1u << 31;
	CHECK_RESULT(t_run(m.vcpu), -EINVAL);
	CHECK_EQUAL(m.run->kvm_dirty_regs, KVM_SYNC_X86_EVENTS);
}

SUITE(sync_regs, TEST(sync_unknown), TEST(sync_out), TEST(sync_in), TEST(sync_refused));
