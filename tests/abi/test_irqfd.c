/* SPDX-License-Identifier: MIT */
/* KVM_IRQFD: signals of events as interrupts, and resampling of lines. */
#include "tests/abi/machine.h"

#define LINE   10
#define ASSIGN 0u
#define LEVEL  (1u << 15) /* of an I/O APIC entry */

static long irqfd_raw(int vm, u32 fd, u32 gsi, u32 flags, u32 resample)
{
	struct kvm_irqfd irqfd = {.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample};

	return t_ioctl_ptr(vm, KVM_IRQFD, &irqfd);
}

static long irqfd(int vm, int fd, u32 gsi, u32 flags)
{
	return irqfd_raw(vm, (u32)fd, gsi, flags, 0);
}

static long irqfd_resample(int vm, int fd, u32 gsi, int resample)
{
	return irqfd_raw(vm, (u32)fd, gsi, KVM_IRQFD_FLAG_RESAMPLE, (u32)resample);
}

static int new_vm(bool irqchip)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	if (irqchip)
		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

static int new_event(void)
{
	return CHECK_HANDLE(t_event_create(0, false));
}

static void irqfd_arguments(void)
{
	int vm = new_vm(true), without = new_vm(false), e = new_event();

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_IRQFD), 1);
	CHECK_RESULT(t_ioctl(vm, KVM_IRQFD, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(irqfd(vm, e, LINE, 1u << 2), -EINVAL);
	CHECK_RESULT(irqfd(vm, e, LINE, 1u << 31), -EINVAL);
	CHECK_RESULT(irqfd(vm, -1, LINE, ASSIGN), -EBADF);
	CHECK_RESULT(irqfd(vm, vm, LINE, ASSIGN), -EINVAL);
	CHECK_RESULT(irqfd(vm, t_system(), LINE, ASSIGN), -EINVAL);
	CHECK_RESULT(irqfd(vm, -1, LINE, KVM_IRQFD_FLAG_DEASSIGN), -EBADF);
	CHECK_RESULT(irqfd(vm, vm, LINE, KVM_IRQFD_FLAG_DEASSIGN), -EINVAL);
	/* Without interrupt controllers there is nothing to assign, whatever the event is. */
	CHECK_RESULT(irqfd(without, e, LINE, ASSIGN), -EINVAL);
	CHECK_RESULT(irqfd(without, -1, LINE, ASSIGN), -EINVAL);
	CHECK_RESULT(irqfd_resample(without, e, LINE, new_event()), -EINVAL);
	CHECK_RESULT(irqfd(without, e, LINE, KVM_IRQFD_FLAG_DEASSIGN), 0);
}

static void irqfd_assign_twice(void)
{
	int vm = new_vm(true), e = new_event(), other = new_event();

	CHECK_RESULT(irqfd(vm, e, LINE, ASSIGN), 0);
	CHECK_RESULT(irqfd(vm, e, LINE, ASSIGN), -EBUSY);
	CHECK_RESULT(irqfd(vm, e, LINE + 1, ASSIGN), -EBUSY);
	CHECK_RESULT(irqfd(vm, other, LINE, ASSIGN), 0);
	/* Only the event with its own GSI is deassigned; that there is none is no error. */
	CHECK_RESULT(irqfd(vm, e, LINE + 1, KVM_IRQFD_FLAG_DEASSIGN), 0);
	CHECK_RESULT(irqfd(vm, e, LINE, ASSIGN), -EBUSY);
	CHECK_RESULT(irqfd(vm, e, LINE, KVM_IRQFD_FLAG_DEASSIGN), 0);
	CHECK_RESULT(irqfd(vm, e, LINE, KVM_IRQFD_FLAG_DEASSIGN), 0);
	CHECK_RESULT(irqfd(vm, e, LINE, ASSIGN), 0);
	check_close(vm);
	/* The VM's end is the irqfd's: the event is free for another. */
	CHECK_RESULT(irqfd(new_vm(true), e, LINE, ASSIGN), 0);
}

/* A GSI without a route is no error, nor a signal there. */
static void irqfd_any_gsi(void)
{
	static const u32 gsis[] = {0, 15, 16, 23, 24, 4095, 4096, 0x7fffffff, 0xffffffff};
	int vm = new_vm(true), e = new_event();

	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	for (u32 i = 0; i < ARRAY_SIZE(gsis); i++) {
		CHECK_RESULT(irqfd(vm, e, gsis[i], ASSIGN), 0);
		CHECK_RESULT(t_event_signal(e, 1), 0);
		CHECK_RESULT(irqfd(vm, e, gsis[i], KVM_IRQFD_FLAG_DEASSIGN), 0);
	}
}

static void irqfd_resample_arguments(void)
{
	int vm = new_vm(true), e = new_event(), other = new_event(), r = new_event();

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_IRQFD_RESAMPLE), 1);
	CHECK_RESULT(irqfd_resample(vm, e, LINE, -1), -EBADF);
	CHECK_RESULT(irqfd_resample(vm, e, LINE, vm), -EINVAL);
	CHECK_RESULT(irqfd_resample(vm, -1, LINE, r), -EBADF);
	CHECK_RESULT(irqfd_resample(vm, e, LINE, r), 0);
	CHECK_RESULT(irqfd_resample(vm, e, LINE, r), -EBUSY);
	/* One line and one resample event for two is fine, and so is no GSI at all. */
	CHECK_RESULT(irqfd_resample(vm, other, LINE, r), 0);
	CHECK_RESULT(irqfd(vm, other, LINE, KVM_IRQFD_FLAG_DEASSIGN), 0);
	CHECK_RESULT(irqfd_resample(vm, other, 0xffffffff, r), 0);
	CHECK_RESULT(irqfd(vm, e, LINE, KVM_IRQFD_FLAG_DEASSIGN), 0);
	/* Its own event for resampling. */
	CHECK_RESULT(irqfd_resample(vm, e, LINE, e), 0);
}

static u32 irqs(const struct machine *m)
{
	return machine_u32(m, GPA_VARS + VAR_IRQS);
}

/* A guest that waits with READY for @count interrupts of the I/O APIC's pin @line. */
static void open_waiting(struct machine *m, u32 line, u32 flags, u32 count)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	m->regs.rax = line;
	m->regs.rbx = flags;
	m->regs.rcx = count;
	machine_start(m, irq_ioapic);
	machine_run_out(m, PORT_READY);
}

/* Each signal is an interrupt, and taken off the event by that. */
static void irqfd_interrupts(void)
{
	int e = new_event(), semaphore = CHECK_HANDLE(t_event_create(0, true));
	struct machine m;
	u64 value;

	open_waiting(&m, 20, 0, 4);
	CHECK_RESULT(irqfd(m.vm, e, 20, ASSIGN), 0);
	CHECK_RESULT(irqfd(m.vm, semaphore, 20, ASSIGN), 0);
	CHECK_RESULT(t_event_signal(e, 3), 0);
	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(irqs(&m), 1);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(irqs(&m), 2);
	/* A semaphore loses one at a time. */
	CHECK_RESULT(t_event_signal(semaphore, 3), 0);
	CHECK_RESULT(t_event_read(semaphore, &value), 0);
	CHECK_EQUAL(value, 1);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(irqs(&m), 3);
	/* Deassigned: it is only counted. */
	CHECK_RESULT(irqfd(m.vm, e, 20, KVM_IRQFD_FLAG_DEASSIGN), 0);
	CHECK_RESULT(t_event_signal(e, 2), 0);
	CHECK_RESULT(t_event_read(e, &value), 0);
	CHECK_EQUAL(value, 2);
	CHECK_RESULT(t_event_signal(semaphore, 1), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 4);
}

/* What was signalled before counts when the irqfd is made, and stays to be read. */
static void irqfd_signalled_before(void)
{
	int e = new_event();
	struct machine m;
	u64 value;

	open_waiting(&m, LINE, 0, 1);
	CHECK_RESULT(t_event_signal(e, 2), 0);
	CHECK_RESULT(irqfd(m.vm, e, LINE, ASSIGN), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 1);
	CHECK_RESULT(t_event_read(e, &value), 0);
	CHECK_EQUAL(value, 2);
}

/* The guest's EOI lowers a resampled line and signals the other event. */
static void irqfd_resamples(void)
{
	int e = new_event(), r = new_event(), r2 = new_event(), e2 = new_event();
	struct machine m;
	u64 value;

	open_waiting(&m, LINE, LEVEL, 2);
	CHECK_RESULT(irqfd_resample(m.vm, e, LINE, r), 0);
	CHECK_RESULT(irqfd_resample(m.vm, e2, LINE, r2), 0);
	CHECK_RESULT(t_event_read(r, &value), -EAGAIN);
	for (u32 i = 1; i <= 2; i++) {
		CHECK_RESULT(t_event_signal(i == 1 ? e : e2, 1), 0);
		machine_run_out(&m, i == 1 ? PORT_READY : PORT_DONE);
		CHECK_EQUAL(irqs(&m), i);
		/* Both wait for this line. */
		CHECK_RESULT(t_event_read(r, &value), 0);
		CHECK_EQUAL(value, 1);
		CHECK_RESULT(t_event_read(r2, &value), 0);
		CHECK_EQUAL(value, 1);
	}
}

/* The device still wants service when it hears of the EOI: the line goes up again. */
static void irqfd_resample_again(void)
{
	int e = new_event(), r = new_event();
	struct machine m;
	u64 value;

	open_waiting(&m, LINE, LEVEL, 3);
	CHECK_RESULT(irqfd_resample(m.vm, e, LINE, r), 0);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	for (u32 i = 1; i <= 3; i++) {
		machine_run_out(&m, i < 3 ? PORT_READY : PORT_DONE);
		CHECK_EQUAL(irqs(&m), i);
		CHECK_RESULT(t_event_read(r, &value), 0);
		CHECK_EQUAL(value, 1);
		CHECK_RESULT(t_event_signal(e, 1), 0);
	}
}

/* The last resampling irqfd that goes takes the level of its line along. */
static void irqfd_resample_ends(void)
{
	struct kvm_irq_level line = {.irq = LINE};
	int e = new_event(), r = new_event();
	struct machine m;

	open_waiting(&m, LINE, LEVEL, 1);
	CHECK_RESULT(irqfd_resample(m.vm, e, LINE, r), 0);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	machine_run_out(&m, PORT_DONE);
	/* Not served now: the guest has no interrupts on. */
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_RESULT(irqfd(m.vm, e, LINE, KVM_IRQFD_FLAG_DEASSIGN), 0);
	line.level = 0;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQ_LINE, &line), 0);
	CHECK_RESULT(irqfd_resample(m.vm, e, LINE, r), 0);
}

/* Closing the event ends its irqfd: the number may be another's and nothing comes any more. */
static void irqfd_event_closed(void)
{
	struct machine m;
	int e = new_event(), other;

	open_waiting(&m, LINE, 0, 1);
	CHECK_RESULT(irqfd(m.vm, e, LINE, ASSIGN), 0);
	check_close(e);
	CHECK_RESULT(irqfd(m.vm, e, LINE, KVM_IRQFD_FLAG_DEASSIGN), -EBADF);
	other = new_event();
	CHECK_RESULT(irqfd(m.vm, other, LINE, ASSIGN), 0);
	CHECK_RESULT(t_event_signal(other, 1), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(irqs(&m), 1);
}

/* Into the 8259, and out of it by the EOI in a real-mode guest. */
static void irqfd_pic(void)
{
	int e = new_event(), r = new_event();
	struct machine m;
	u64 value;

	machine_open(&m, MODE_REAL, MACHINE_IRQCHIP);
	machine_set_vector(&m, 8 + 5, real_pic_handler);
	m.regs.rbx = 0xdf; /* all masked but line 5 */
	machine_start(&m, real_pic);
	machine_run_out(&m, PORT_READY);
	CHECK_RESULT(irqfd_resample(m.vm, e, 5, r), 0);
	for (u8 i = 1; i <= 3; i++) {
		CHECK_RESULT(t_event_signal(e, 1), 0);
		CHECK_EQUAL(machine_run_out(&m, PORT_READY), i);
		CHECK_RESULT(t_event_read(r, &value), 0);
		CHECK_EQUAL(value, 1);
	}
}

SUITE(irqfd, TEST(irqfd_arguments), TEST(irqfd_assign_twice), TEST(irqfd_any_gsi),
      TEST(irqfd_resample_arguments), TEST(irqfd_interrupts), TEST(irqfd_signalled_before),
      TEST(irqfd_resamples), TEST(irqfd_resample_again), TEST(irqfd_resample_ends),
      TEST(irqfd_event_closed), TEST(irqfd_pic));
