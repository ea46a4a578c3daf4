/* SPDX-License-Identifier: MIT */
/* kvm0's trace and its own statistics: what a run of a guest leaves in them. */
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_params.h"
#include "tests/abi/machine.h"

#define REASON_CPUID 10u /* SDM vol. 3, VMX Basic Exit Reasons */
#define REASON_IO    30u
#define REASON_EPT   48u
#define EVENTS       256u

static struct kvm0_trace_event *events;
static u64 count;

static void set(const char *name, const char *value)
{
	struct kvm0_param p = {0};

	memcpy(p.name, name, strlen(name));
	memcpy(p.value, value, strlen(value));
	CHECK_RESULT((long)kvm0_set_param(&p), 0);
}

/* Where the trace ends now. */
static u64 trace_end(void)
{
	struct kvm0_trace_event *e = check_pages(PAGE_SIZE);
	u64 position = 0;

	while (kvm0_read_trace(0, e, PAGE_SIZE, &position) > 0)
		;
	return position;
}

static void read_from(u64 position)
{
	s64 r;

	events = check_pages(EVENTS * sizeof(*events));
	r = kvm0_read_trace(0, events, EVENTS * sizeof(*events), &position);
	CHECK(r >= 0 && r < (s64)(EVENTS * sizeof(*events)));
	count = (u64)r / sizeof(*events);
}

/* The first event of that type from *@at on, with that `what`; *@at becomes what is behind it. */
static const struct kvm0_trace_event *next(u64 *at, u8 type, u32 what)
{
	while (*at < count) {
		const struct kvm0_trace_event *e = &events[(*at)++];

		if (e->type == type && e->what == what)
			return e;
	}
	check_fail(__FILE__, __LINE__, "no event of type %u with 0x%x", type, what);
}

/* The store to a device: an EPT violation, the write, and the port at the end; in this order. */
static void trace_of_a_run(void)
{
	const struct kvm0_trace_event *e;
	struct machine m;
	u64 from, at = 0, tsc = 0;
	u32 vm;

	machine_open(&m, MODE_LONG, 0);
	m.regs.rdi = GPA_MMIO;
	m.regs.rax = 0x1122334455667788;
	machine_start(&m, long_store);
	from = trace_end();
	set("trace", "all");
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	set("trace", "none");
	read_from(from);
	CHECK(count > 8);
	for (u64 i = 0; i < count; i++) {
		CHECK(events[i].tsc >= tsc && events[i].cpu == 0);
		CHECK_EQUAL(events[i].number, from + i + 1);
		tsc = events[i].tsc;
	}
	e = next(&at, KVM0_TRACE_ENTRY, 0);
	CHECK_EQUAL(e->data[0], m.regs.rip);
	vm = e->vm;
	CHECK(vm > 0 && e->vcpu == 0);
	do { /* first come its tables and code */
		CHECK_EQUAL(next(&at, KVM0_TRACE_EXIT, REASON_EPT)->vm, vm);
		CHECK(at < count && events[at].type == KVM0_TRACE_EPT);
	} while (events[at].data[0] != GPA_MMIO);
	CHECK(events[at].what & 2); /* a write */
	e = next(&at, KVM0_TRACE_MMIO, KVM0_TRACE_WRITE | 8);
	CHECK_EQUAL(e->data[0], GPA_MMIO);
	CHECK_EQUAL(e->data[1], m.regs.rax);
	e = next(&at, KVM0_TRACE_IOCTL, KVM_RUN);
	CHECK_EQUAL(e->vm, 0);
	CHECK_EQUAL(e->data[0], (u64)m.vcpu);
	CHECK_EQUAL(e->data[2], 0);
	next(&at, KVM0_TRACE_ENTRY, 0);
	next(&at, KVM0_TRACE_EXIT, REASON_IO);
	next(&at, KVM0_TRACE_IOCTL, KVM_RUN);
	/* Nothing of what is off. */
	from = trace_end();
	machine_do(&m, fault_vmcall);
	CHECK_EQUAL(trace_end(), from);
}

/* The end of an instruction is told when the guest goes on. */
static void trace_of_instructions(void)
{
	const struct kvm0_trace_event *e;
	struct machine m;
	u64 from, at = 0;

	machine_open(&m, MODE_LONG, 0);
	from = trace_end();
	set("trace", "hypercall,pio");
	machine_do(&m, fault_vmcall);
	machine_do(&m, fault_vmcall);
	set("trace", "none");
	read_from(from);
	for (u64 i = 0; i < count; i++)
		CHECK(events[i].type == KVM0_TRACE_HYPERCALL || events[i].type == KVM0_TRACE_PIO);
	e = next(&at, KVM0_TRACE_HYPERCALL, (u32)m.regs.rax);
	CHECK((s64)e->data[2] < 0); /* there is none of that number */
	e = next(&at, KVM0_TRACE_PIO, KVM0_TRACE_WRITE | 1);
	CHECK_EQUAL(e->data[0], PORT_DONE);
}

static void trace_bad_calls(void)
{
	u64 position = 0;
	u8 *page = check_pages(PAGE_SIZE);

	CHECK_RESULT((long)kvm0_read_trace(64, page, PAGE_SIZE, &position), -EINVAL);
	CHECK_RESULT((long)kvm0_read_trace(~0u, page, PAGE_SIZE, &position), -EINVAL);
	set("trace", "ioctl");
	(void)t_ioctl(t_system(), KVM_GET_API_VERSION, 0);
	set("trace", "none");
	CHECK_RESULT(
		(long)kvm0_read_trace(0, (void *)(uintptr_t)T_BAD_ADDRESS, PAGE_SIZE, &position),
		-EFAULT);
	CHECK_RESULT((long)kvm0_read_trace(0, page, sizeof(struct kvm0_trace_event) - 1, &position),
		     0);
	position = ~0ull;
	CHECK_RESULT((long)kvm0_read_trace(0, page, PAGE_SIZE, &position), 0);
}

/* Exits by reason are all exits, and the ticks are where the exits are. */
static void stats_of_exits(void)
{
	u64 counts[STATS_ARRAY], ticks[STATS_ARRAY], sum = 0, all;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	set("exit_ticks", "1");
	machine_do(&m, fault_vmcall);
	set("exit_ticks", "0");
	stats_array(m.vcpu, "exit_reason_count", counts);
	stats_array(m.vcpu, "exit_reason_ticks", ticks);
	for (u32 i = 0; i < STATS_ARRAY; i++) {
		sum += counts[i];
		CHECK(!ticks[i] || counts[i]);
	}
	CHECK_EQUAL(sum, stats_of(m.vcpu, "exits"));
	CHECK_EQUAL(counts[REASON_IO], 1);
	CHECK(ticks[REASON_IO] > 0 && ticks[REASON_IO] < 1000000);
	CHECK(stats_of(m.vcpu, "guest_ticks") > 0);
	/* The system's file has the sums. */
	all = stats_of_file(t_system(), "exits");
	CHECK(all >= sum);
	machine_do(&m, fault_vmcall);
	CHECK(stats_of_file(t_system(), "exits") >= all + 2);
	CHECK(stats_of_file(t_system(), "pages_4k") >= stats_of(m.vm, "pages_4k"));
}

SUITE(kvm0_trace, TEST(trace_of_a_run), TEST(trace_of_instructions), TEST(trace_bad_calls),
      TEST(stats_of_exits));
