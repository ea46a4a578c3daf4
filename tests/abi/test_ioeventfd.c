/* SPDX-License-Identifier: MIT */
/* KVM_IOEVENTFD: writes of a guest that signal an event and do not end the run. */
#include "tests/abi/machine.h"

#define PIO       KVM_IOEVENTFD_FLAG_PIO
#define MATCH     KVM_IOEVENTFD_FLAG_DATAMATCH
#define DEASSIGN  KVM_IOEVENTFD_FLAG_DEASSIGN
#define CCW       KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY
#define ANY_FLAGS ((u32)KVM_IOEVENTFD_VALID_FLAG_MASK)

static long io(int vm, int event, u64 addr, u32 len, u32 flags, u64 data)
{
	struct kvm_ioeventfd arg = {
		.fd = event, .addr = addr, .len = len, .flags = flags, .datamatch = data};

	return t_ioctl_ptr(vm, KVM_IOEVENTFD, &arg);
}

static int new_vm(void)
{
	return CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
}

static int new_event(void)
{
	return CHECK_HANDLE(t_event_create(0, false));
}

/* What the event was signalled since the last look. */
static u64 signals(int event)
{
	u64 value = 0;
	long r = t_event_read(event, &value);

	if (r != -EAGAIN)
		CHECK_RESULT(r, 0);
	return value;
}

static void ioeventfd_arguments(void)
{
	static const u32 bad_lengths[] = {3, 5, 6, 7, 9, 16, 0x100, 0x80000000, 0xffffffff};
	int vm = new_vm(), e = new_event();

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD), 1);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_NO_LENGTH), 1);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_ANY_LENGTH), 1);
	CHECK_RESULT(t_ioctl(vm, KVM_IOEVENTFD, T_BAD_ADDRESS), -EFAULT);
	for (u32 i = 0; i < ARRAY_SIZE(bad_lengths); i++)
		CHECK_RESULT(io(vm, e, PORT_TEST, bad_lengths[i], PIO, 0), -EINVAL);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, ANY_FLAGS + 1, 0), -EINVAL);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, 1u << 31, 0), -EINVAL);
	CHECK_RESULT(io(vm, e, PORT_TEST, 0, PIO | MATCH, 0), -EINVAL);
	/* A range may reach the end of addresses, and not its last byte. */
	CHECK_RESULT(io(vm, e, ~0ull, 1, 0, 0), -EINVAL);
	CHECK_RESULT(io(vm, e, ~0ull - 3, 4, 0, 0), -EINVAL);
	CHECK_RESULT(io(vm, e, ~0ull - 4, 4, 0, 0), 0);
	CHECK_RESULT(io(vm, e, ~0ull, 0, 0, 0), 0);
	CHECK_RESULT(io(vm, -1, PORT_TEST, 4, PIO, 0), -EBADF);
	CHECK_RESULT(io(vm, vm, PORT_TEST, 4, PIO, 0), -EINVAL);
	CHECK_RESULT(io(vm, -1, PORT_TEST, 3, PIO, 0), -EINVAL);
	/* More than the 64 Ki ports that there are. */
	CHECK_RESULT(io(vm, e, 0x10000 + PORT_TEST, 4, PIO, 0), 0);
}

static void ioeventfd_collisions(void)
{
	int vm = new_vm(), e = new_event(), other = new_event();

	CHECK_RESULT(io(vm, e, PORT_TEST, 4, PIO, 0), 0);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, PIO, 0), -EEXIST);
	CHECK_RESULT(io(vm, other, PORT_TEST, 4, PIO, 0), -EEXIST);
	CHECK_RESULT(io(vm, other, PORT_TEST, 4, PIO | MATCH, 7), -EEXIST);
	CHECK_RESULT(io(vm, other, PORT_TEST, 0, PIO, 0), -EEXIST);
	/* Another length, address, bus or VM is another write. */
	CHECK_RESULT(io(vm, other, PORT_TEST, 2, PIO, 0), 0);
	CHECK_RESULT(io(vm, other, PORT_TEST + 1, 4, PIO, 0), 0);
	CHECK_RESULT(io(vm, other, PORT_TEST, 4, 0, 0), 0);
	CHECK_RESULT(io(new_vm(), e, PORT_TEST, 4, PIO, 0), 0);
	/* A port's flag goes before that of s390's bus, which is one of its own here too. */
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, PIO | CCW, 0), -EEXIST);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, CCW, 0), 0);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, CCW, 0), -EEXIST);
	/* Values: all of their 64 bits are compared, whatever the length. */
	CHECK_RESULT(io(vm, e, GPA_MMIO, 1, MATCH, 1), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 1, MATCH, 1), -EEXIST);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 1, MATCH, 0x101), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 1, 0, 0), -EEXIST);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 0, 0, 0), -EEXIST);
	CHECK_RESULT(io(vm, e, GPA_MMIO + 8, 0, 0, 0), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO + 8, 8, MATCH, 0), -EEXIST);
}

/* What is to go has to be named as it was made. */
static void ioeventfd_deassign(void)
{
	int vm = new_vm(), e = new_event(), other = new_event();

	CHECK_RESULT(io(vm, e, PORT_TEST, 4, DEASSIGN | PIO, 0), -ENOENT);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, PIO, 0), 0);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, DEASSIGN, 0), -ENOENT);
	CHECK_RESULT(io(vm, e, PORT_TEST, 2, DEASSIGN | PIO, 0), -ENOENT);
	CHECK_RESULT(io(vm, e, PORT_TEST, 3, DEASSIGN | PIO, 0), -ENOENT);
	CHECK_RESULT(io(vm, e, PORT_TEST + 4, 4, DEASSIGN | PIO, 0), -ENOENT);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, DEASSIGN | PIO | MATCH, 0), -ENOENT);
	CHECK_RESULT(io(vm, other, PORT_TEST, 4, DEASSIGN | PIO, 0), -ENOENT);
	CHECK_RESULT(io(vm, -1, PORT_TEST, 4, DEASSIGN | PIO, 0), -EBADF);
	CHECK_RESULT(io(vm, vm, PORT_TEST, 4, DEASSIGN | PIO, 0), -EINVAL);
	/* Flags that do not exist are not looked at here. */
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, DEASSIGN | PIO | (ANY_FLAGS + 1), 0), 0);
	CHECK_RESULT(io(vm, e, PORT_TEST, 4, DEASSIGN | PIO, 0), -ENOENT);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 8, MATCH, 5), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 8, DEASSIGN | MATCH, 6), -ENOENT);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 8, DEASSIGN, 5), -ENOENT);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 8, DEASSIGN | MATCH, 5), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 0, 0, 0), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 0, DEASSIGN, 0), 0);
	CHECK_RESULT(io(vm, e, GPA_MMIO, 0, DEASSIGN, 0), -ENOENT);
}

/* Many of a VM, at one port and at many addresses. */
static void ioeventfd_many(void)
{
	int vm = new_vm(), e = new_event();

	for (u32 i = 0; i < 1000; i++) {
		CHECK_RESULT(io(vm, e, PORT_TEST, 2, PIO | MATCH, i), 0);
		CHECK_RESULT(io(vm, e, GPA_MMIO + 4 * i, 4, 0, 0), 0);
	}
	CHECK_RESULT(io(vm, e, PORT_TEST, 2, PIO | MATCH, 500), -EEXIST);
	for (u32 i = 0; i < 1000; i++)
		CHECK_RESULT(io(vm, e, PORT_TEST, 2, DEASSIGN | PIO | MATCH, 999 - i), 0);
	CHECK_RESULT(io(vm, e, PORT_TEST, 2, DEASSIGN | PIO | MATCH, 0), -ENOENT);
}

/* Runs real_out_sizes, whose OUTs of 1, 2 and 4 bytes to PORT_TEST are followed by others; the
 * sizes of those that were exits, a digit each. */
static u32 exits_of_outs(struct machine *m)
{
	u32 sizes = 0;

	machine_start(m, real_out_sizes);
	for (;;) {
		machine_run(m, KVM_EXIT_IO);
		if (m->run->io.port != PORT_TEST)
			return sizes;
		sizes = sizes * 10 + m->run->io.size;
	}
}

static void ioeventfd_ports(void)
{
	int e = new_event(), wrong = new_event();
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	CHECK_EQUAL(exits_of_outs(&m), 124);
	CHECK_RESULT(io(m.vm, e, PORT_TEST, 1, PIO, 0), 0);
	CHECK_EQUAL(exits_of_outs(&m), 24);
	CHECK_EQUAL(signals(e), 1);
	CHECK_RESULT(io(m.vm, wrong, PORT_TEST, 4, PIO | MATCH, 0x44332210), 0);
	CHECK_RESULT(io(m.vm, wrong, PORT_TEST, 4, PIO | MATCH, 0x144332211), 0);
	CHECK_EQUAL(exits_of_outs(&m), 24);
	CHECK_RESULT(io(m.vm, e, PORT_TEST, 4, PIO | MATCH, 0x44332211), 0);
	CHECK_EQUAL(exits_of_outs(&m), 2);
	CHECK_EQUAL(signals(e), 3);
	CHECK_EQUAL(signals(wrong), 0);
	CHECK_RESULT(io(m.vm, e, PORT_TEST, 1, PIO | DEASSIGN, 0), 0);
	CHECK_EQUAL(exits_of_outs(&m), 12);
	CHECK_EQUAL(signals(e), 1);
}

/* One of any length. */
static void ioeventfd_ports_any_length(void)
{
	int e = new_event();
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	CHECK_RESULT(io(m.vm, e, PORT_TEST, 0, PIO, 0), 0);
	CHECK_EQUAL(exits_of_outs(&m), 0);
	CHECK_EQUAL(signals(e), 3);
}

/* Reads are never taken, and a string's items are signals of their own. */
static void ioeventfd_strings(void)
{
	int e = new_event();
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(io(m.vm, e, PORT_TEST, 0, PIO, 0), 0);
	m.regs.rsi = GPA_BUFFER;
	m.regs.rcx = 5;
	machine_do(&m, long_outsd);
	CHECK_EQUAL(signals(e), 5);
	CHECK_EQUAL(machine_regs(&m).rsi, GPA_BUFFER + 20);
	machine_start(&m, long_in);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.direction, KVM_EXIT_IO_IN);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(signals(e), 0);
}

/* long_mmio_write's stores at GPA_MMIO: 1, 2, 4, 8 bytes, and later one of 1 byte again. */
static void ioeventfd_mmio(void)
{
	int four = new_event(), eight = new_event(), all = new_event(), wrong = new_event();
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(io(m.vm, four, GPA_MMIO, 4, MATCH, 0x44332211), 0);
	CHECK_RESULT(io(m.vm, eight, GPA_MMIO, 8, MATCH, 0x8877665544332211), 0);
	CHECK_RESULT(io(m.vm, wrong, GPA_MMIO, 2, MATCH, 0x2210), 0);
	/* All others of the routine, at these addresses. */
	CHECK_RESULT(io(m.vm, all, GPA_MMIO + 1, 1, 0, 0), 0);
	CHECK_RESULT(io(m.vm, all, GPA_MMIO + 2, 0, 0, 0), 0);
	CHECK_RESULT(io(m.vm, all, GPA_MMIO + 4, 4, 0, 0), 0);
	CHECK_RESULT(io(m.vm, all, GPA_MMIO + 8, 0, 0, 0), 0);
	CHECK_RESULT(io(m.vm, wrong, GPA_MMIO + 0x10, 8, 0, 0), 0);
	m.regs.rdi = GPA_MMIO;
	m.regs.rbx = 0;
	machine_start(&m, long_mmio_write);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.len, 1);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.len, 2);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.len, 1);
	CHECK_EQUAL(signals(four), 1);
	CHECK_EQUAL(signals(eight), 1);
	CHECK_EQUAL(signals(all), 4);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.phys_addr, GPA_MMIO + 0x10);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(signals(wrong), 0);
}

/* One of any length takes them all, without a look at what the instruction is. */
static void ioeventfd_mmio_any_length(void)
{
	int e = new_event();
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(io(m.vm, e, GPA_MMIO, 0, 0, 0), 0);
	m.regs.rdi = GPA_MMIO;
	machine_do(&m, long_store);
	CHECK_EQUAL(signals(e), 1);
	CHECK_RESULT(io(m.vm, e, GPA_MMIO, 0, DEASSIGN, 0), 0);
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(signals(e), 0);
}

/* The event that a write signals may be one that an irqfd has. */
static void ioeventfd_to_irqfd(void)
{
	struct kvm_irqfd irqfd = {.gsi = 10};
	int e = new_event();
	struct machine from, to;

	machine_open(&to, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_open(&from, MODE_LONG, 0);
	machine_set_vector(&to, VECTOR_XAPIC, handler_xapic);
	to.regs.rax = 10;
	to.regs.rcx = 1;
	machine_start(&to, irq_ioapic);
	machine_run_out(&to, PORT_READY);
	irqfd.fd = (u32)e;
	CHECK_RESULT(t_ioctl_ptr(to.vm, KVM_IRQFD, &irqfd), 0);
	CHECK_RESULT(io(from.vm, e, GPA_MMIO, 8, 0, 0), 0);
	from.regs.rdi = GPA_MMIO;
	machine_do(&from, long_store);
	CHECK_EQUAL(signals(e), 0);
	machine_run_out(&to, PORT_DONE);
	CHECK_EQUAL(machine_u32(&to, GPA_VARS + VAR_IRQS), 1);
	/* Closing the handle does not end an ioeventfd: the write is still taken. */
	check_close(e);
	machine_do(&from, long_store);
}

SUITE(ioeventfd, TEST(ioeventfd_arguments), TEST(ioeventfd_collisions), TEST(ioeventfd_deassign),
      TEST(ioeventfd_many), TEST(ioeventfd_ports), TEST(ioeventfd_ports_any_length),
      TEST(ioeventfd_strings), TEST(ioeventfd_mmio), TEST(ioeventfd_mmio_any_length),
      TEST(ioeventfd_to_irqfd));
