/* SPDX-License-Identifier: MIT */
/* KVM_GET_STATS_FD: the file's format, and what is counted. */
#include "tests/abi/machine.h"

#define FILE_MAX 16384u
#define MAX_NAME 256u

/* A file of statistics, as it was read. */
struct stats {
	int fd;
	u64 size;
	struct kvm_stats_header header;
	u8 bytes[FILE_MAX];
};

static const struct kvm_stats_desc *descriptor(const struct stats *s, u32 n)
{
	return (const void *)(s->bytes + s->header.desc_offset +
			      n * (sizeof(struct kvm_stats_desc) + s->header.name_size));
}

/* Of what KVM_GET_STATS_FD has given. */
static struct stats *read_stats(int fd)
{
	struct stats *s = check_pages(sizeof(*s));
	long r;

	s->fd = fd;
	r = t_read(s->fd, s->bytes, FILE_MAX, 0);
	CHECK(r > (long)sizeof(s->header) && r < (long)FILE_MAX);
	s->size = (u64)r;
	memcpy(&s->header, s->bytes, sizeof(s->header));
	return s;
}

static struct stats *open_stats(int handle)
{
	return read_stats(CHECK_HANDLE(t_ioctl(handle, KVM_GET_STATS_FD, 0)));
}

/* That of that name; ends the test if there is none. */
static const struct kvm_stats_desc *find(const struct stats *s, const char *name)
{
	for (u32 n = 0; n < s->header.num_desc; n++)
		if (!strcmp(descriptor(s, n)->name, name))
			return descriptor(s, n);
	check_fail(__FILE__, __LINE__, "no statistic of the name %s", name);
}

/* Its value now. */
static u64 value_of(struct stats *s, const char *name)
{
	u64 at = s->header.data_offset + find(s, name)->offset, value;

	CHECK_RESULT(t_read(s->fd, &value, sizeof(value), at), sizeof(value));
	return value;
}

u64 stats_of_file(int fd, const char *name)
{
	return value_of(read_stats(fd), name);
}

void stats_array(int handle, const char *name, u64 values[STATS_ARRAY])
{
	struct stats *s = open_stats(handle);

	CHECK_EQUAL(find(s, name)->size, STATS_ARRAY);
	memcpy(values, s->bytes + s->header.data_offset + find(s, name)->offset,
	       STATS_ARRAY * sizeof(u64));
	check_close(s->fd);
}

u64 stats_of(int handle, const char *name)
{
	struct stats *s = open_stats(handle);
	u64 value = value_of(s, name);

	check_close(s->fd);
	return value;
}

static bool flags_known(u32 flags)
{
	return (flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_MAX &&
	       (flags & KVM_STATS_UNIT_MASK) <= KVM_STATS_UNIT_MAX &&
	       (flags & KVM_STATS_BASE_MASK) <= KVM_STATS_BASE_MAX && flags < 1u << 12;
}

/* What KVM API, KVM_GET_STATS_FD, says of every file. */
static void check_format(struct stats *s)
{
	const struct kvm_stats_header *h = &s->header;
	u64 desc_size = sizeof(struct kvm_stats_desc) + h->name_size, data = 0;

	CHECK_EQUAL(h->flags, 0);
	CHECK(h->name_size > 0 && h->name_size <= MAX_NAME && h->num_desc > 0);
	CHECK(h->id_offset >= sizeof(*h) && h->id_offset < s->size);
	CHECK(h->desc_offset >= sizeof(*h) && h->desc_offset + h->num_desc * desc_size <= s->size);
	CHECK_EQUAL(memcmp(s->bytes + h->id_offset, "kvm-", 4), 0);
	for (u32 n = 0; n < h->num_desc; n++) {
		const struct kvm_stats_desc *d = descriptor(s, n);

		CHECK(flags_known(d->flags));
		CHECK(d->size > 0);
		CHECK(d->name[0] && strlen(d->name) < h->name_size);
		CHECK(h->data_offset + d->offset + d->size * sizeof(u64) <= s->size);
		for (u32 i = 0; i < n; i++)
			CHECK(strcmp(d->name, descriptor(s, i)->name) != 0);
		data += d->size * sizeof(u64);
	}
	CHECK(h->data_offset + data <= s->size);
}

static void stats_format(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD), 1);
	check_format(open_stats(vm));
	check_format(open_stats(vcpu));
}

/* Names that Linux has too, and what is the same for both of a vCPU that has never run; kvm0's own
 * come behind them, for who looks for those by name. */
static void stats_names(void)
{
	static const char *const names[] = {"halt_successful_poll",
					    "halt_attempted_poll",
					    "halt_poll_invalid",
					    "halt_wakeup",
					    "halt_poll_success_ns",
					    "halt_poll_fail_ns",
					    "halt_wait_ns",
					    "blocking",
					    "pf_taken",
					    "pf_fixed",
					    "pf_emulate",
					    "pf_guest",
					    "tlb_flush",
					    "exits",
					    "io_exits",
					    "mmio_exits",
					    "signal_exits",
					    "irq_window_exits",
					    "nmi_window_exits",
					    "l1d_flush",
					    "halt_exits",
					    "request_irq_exits",
					    "irq_exits",
					    "insn_emulation",
					    "insn_emulation_fail",
					    "hypercalls",
					    "irq_injections",
					    "nmi_injections",
					    "directed_yield_attempted",
					    "directed_yield_successful",
					    "preemption_reported",
					    "preemption_other"};
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	struct stats *s = open_stats(CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0)));

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		CHECK_EQUAL(find(s, names[i])->size, 1);
		CHECK_EQUAL(value_of(s, names[i]), 0);
	}
	(void)find(s, "host_state_reload");
	(void)find(s, "fpu_reload");
	CHECK(find(s, "halt_wait_hist")->size > 1);
	CHECK_EQUAL(find(s, "halt_wait_hist")->flags & KVM_STATS_TYPE_MASK,
		    KVM_STATS_TYPE_LOG_HIST);
	if (!target_is_kvm0)
		return;
	CHECK(find(s, "exit_reason_count") > find(s, "preemption_other"));
	CHECK_EQUAL(find(s, "exit_reason_count")->flags, KVM_STATS_TYPE_LINEAR_HIST);
	CHECK_EQUAL(find(s, "exit_reason_count")->bucket_size, 1);
	CHECK_EQUAL(find(s, "exit_reason_ticks")->flags, KVM_STATS_UNIT_CYCLES);
	CHECK_EQUAL(find(s, "guest_ticks")->flags, KVM_STATS_UNIT_CYCLES);
}

/* Any part of the file can be read, at any address. */
static void stats_reads(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	struct stats *s = open_stats(vm);
	u8 part[100];

	for (u64 at = 0; at < s->size; at += 7) {
		u64 bytes = MIN(sizeof(part) - 1, s->size - at);

		memset(part, 0xee, sizeof(part));
		CHECK_RESULT(t_read(s->fd, part, sizeof(part) - 1, at), (long)bytes);
		CHECK_EQUAL(memcmp(part, s->bytes + at, bytes), 0);
		CHECK_EQUAL(part[bytes], 0xee);
	}
	CHECK_RESULT(t_read(s->fd, part, 0, 0), 0);
	CHECK_RESULT(t_read(s->fd, part, 10, s->size), 0);
	CHECK_RESULT(t_read(s->fd, part, 10, 0x7fffffffffffffff - 100), 0);
	CHECK_RESULT(t_read(s->fd, part, 10, ~0ull), -EINVAL);
	CHECK_RESULT(t_read(s->fd, (void *)(uintptr_t)T_BAD_ADDRESS, 10, 0), -EFAULT);
	CHECK_RESULT(t_read(vm, part, 10, 0), -ESPIPE);
	CHECK_RESULT(t_ioctl(s->fd, KVM_CHECK_EXTENSION, 0), -ENOTTY);
}

/* Ports, device memory, page faults, emulation. */
static void stats_exits(void)
{
	struct stats *s;
	struct machine m;
	u64 exits, io;

	machine_open(&m, MODE_LONG, 0);
	s = open_stats(m.vcpu);
	exits = value_of(s, "exits");
	io = value_of(s, "io_exits");
	m.regs.rdi = GPA_MMIO;
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(value_of(s, "mmio_exits"), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK(value_of(s, "exits") >= exits + 2);
	if (t_has_vmx())
		CHECK_EQUAL(value_of(s, "io_exits"), io + 1);
	CHECK(value_of(s, "insn_emulation") >= 1);
	CHECK(value_of(s, "pf_taken") >= value_of(s, "pf_fixed"));
	CHECK(value_of(s, "fpu_reload") >= 2);
	CHECK_EQUAL(value_of(s, "hypercalls"), 0);
	CHECK_EQUAL(value_of(s, "insn_emulation_fail"), 0);
	if (t_has_vmx()) {
		machine_do(&m, fault_vmcall);
		CHECK_EQUAL(value_of(s, "hypercalls"), 1);
	}
	m.run->immediate_exit = 1;
	CHECK_RESULT(t_run(m.vcpu), -EINTR);
	CHECK_EQUAL(value_of(s, "signal_exits"), 0);
}

static void stats_interrupts(void)
{
	struct kvm_irq_level line = {.irq = 10};
	struct stats *s;
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	s = open_stats(m.vcpu);
	m.regs.rax = line.irq;
	m.regs.rcx = 1;
	machine_start(&m, irq_ioapic);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(value_of(s, "irq_injections"), 0);
	for (line.level = 1;; line.level--) {
		CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQ_LINE, &line), 0);
		if (!line.level)
			break;
	}
	machine_run_out(&m, PORT_DONE);
	if (t_has_vmx())
		CHECK(value_of(s, "irq_injections") >= 1);
	CHECK_EQUAL(value_of(s, "nmi_injections"), 0);
	CHECK_EQUAL(value_of(s, "blocking"), 0);
}

/* Pages that are mapped, and go with their slot. */
static void stats_pages(void)
{
	u8 *page = check_pages(PAGE_SIZE);
	struct machine m;
	struct stats *s;
	u64 pages, flushes;

	machine_open(&m, MODE_LONG, 0);
	s = open_stats(m.vm);
	m.regs.rdi = GPA_EXTRA;
	/* Once before, for all else that the guest touches. */
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	machine_do(&m, long_store);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, page), 0);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	pages = value_of(s, "pages_4k");
	machine_do(&m, long_store);
	if (t_has_vmx())
		CHECK(value_of(s, "pages_4k") > pages);
	flushes = value_of(s, "remote_tlb_flush_requests");
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, page), 0);
	/* When Linux does it for this is its own affair. */
	CHECK(value_of(s, "remote_tlb_flush_requests") >= flushes + target_is_kvm0);
	if (target_is_kvm0) /* no other CPU ran it */
		CHECK_EQUAL(value_of(s, "remote_tlb_flush"), 0);
	(void)value_of(s, "remote_tlb_flush");
	(void)value_of(s, "pages_2m");
	(void)value_of(s, "pages_1g");
	if (t_has_vmx() && target_is_kvm0)
		CHECK_EQUAL(value_of(s, "pages_4k"), pages);
}

/* The file can be read when the handles of what it is about are closed. */
static void stats_lifetime(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	struct stats *of_vm = open_stats(vm), *of_vcpu = open_stats(vcpu);

	check_close(vm);
	check_close(vcpu);
	/* In older Linux it is a reference to what is gone. */
	if (target_is_kvm0) {
		CHECK_EQUAL(value_of(of_vm, "remote_tlb_flush"), 0);
		CHECK_EQUAL(value_of(of_vcpu, "exits"), 0);
	}
	check_close(of_vm->fd);
	CHECK_RESULT(t_read(of_vm->fd, of_vm->bytes, 10, 0), -EBADF);
}

SUITE(stats, TEST(stats_format), TEST(stats_names), TEST(stats_reads), TEST(stats_exits),
      TEST(stats_interrupts), TEST(stats_pages), TEST(stats_lifetime));
