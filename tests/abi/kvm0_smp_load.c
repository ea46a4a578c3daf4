/* SPDX-License-Identifier: MIT */
/* Both CPUs at work at once: runs, moves, first touches, making and closing of VMs. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_smp.h"

#define MIXES       1000u
#define SWAPS       300u
#define TOUCH_PAGES 200u
#define CREATIONS   40u
#define CLOSINGS    90u

/* What one of the two CPUs does, and how it went: `line` is where it was wrong, 0 if nowhere. */
struct mixer {
	int vcpu;
	struct kvm_run *run;
	u64 mmio;
	int line;
	s64 got;
};

static bool wrong(struct mixer *x, int line, s64 got, s64 want)
{
	if (got == want)
		return false;
	x->line = line;
	x->got = got;
	return true;
}
#define WRONG(got, want) wrong(x, __LINE__, (s64)(got), (s64)(want))

static bool mix_once(struct mixer *x, u64 i)
{
	const struct kvm_run *run = x->run;

	if (WRONG(run_here(x->vcpu), 0) || WRONG(run->exit_reason, KVM_EXIT_IO) ||
	    WRONG(run->io.port, PORT_TEST) ||
	    WRONG(*(const u32 *)(const void *)((const u8 *)run + run->io.data_offset), i))
		return false;
	return !WRONG(run_here(x->vcpu), 0) && !WRONG(run->exit_reason, KVM_EXIT_MMIO) &&
	       !WRONG(run->mmio.phys_addr, x->mmio) && !WRONG(run->mmio.len, 8) &&
	       !WRONG(*(const u64 *)(const void *)run->mmio.data, i);
}

static void mix(void *arg)
{
	struct mixer *x = arg;

	for (u64 i = 0; i < MIXES; i++)
		if (!mix_once(x, i))
			return;
	if (!WRONG(run_here(x->vcpu), 0))
		(void)WRONG(x->run->io.port, PORT_DONE);
}

static void check_mixer(const struct mixer *x)
{
	if (x->line)
		check_fail(__FILE__, x->line, "got %lld", x->got);
}

/* Both at once. */
static void on_both(void (*fn)(void *arg), void *here, void *there)
{
	cpu1_begin(fn, there);
	fn(here);
	cpu1_end();
}

static void mix_both(int vcpu, struct kvm_run *run, int other, struct kvm_run *other_run)
{
	/* Static: a job that does not end outlives its test. */
	static struct mixer x[2];

	x[0] = (struct mixer){.vcpu = vcpu, .run = run, .mmio = GPA_MMIO};
	x[1] = (struct mixer){.vcpu = other, .run = other_run, .mmio = GPA_MMIO + PAGE_SIZE};
	for (u32 i = 0; i < 2; i++)
		start_at(x[i].vcpu, cpus_mix, x[i].mmio, MIXES);
	on_both(mix, &x[0], &x[1]);
	check_mixer(&x[0]);
	check_mixer(&x[1]);
}

static void kvm0_smp_two_vcpus(void)
{
	struct kvm_run *run;
	struct machine m;
	int other;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	other = machine_add_vcpu(&m, 1, &run);
	mix_both(m.vcpu, m.run, other, run);
}

static void kvm0_smp_two_vms(void)
{
	struct machine m, n;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	machine_open(&n, MODE_LONG, MACHINE_CPUID);
	mix_both(m.vcpu, m.run, n.vcpu, n.run);
}

/* Both CPUs run the same two vCPUs by turns, and take them away from each other. */
static struct swap {
	int vcpu[2];
	u64 exits[2]; /* atomic */
	s64 error;    /* the first unexpected result */
} swap;

static void swap_runs(void *arg)
{
	u32 which = *(const u32 *)arg;

	for (u32 i = 0; i < SWAPS && !READ_ONCE(swap.error); i++, which ^= 1) {
		s64 r = run_here(swap.vcpu[which]);
		if (!r)
			__atomic_fetch_add(&swap.exits[which], 1, __ATOMIC_RELAXED);
		else if (r != -EAGAIN)
			WRITE_ONCE(swap.error, r);
	}
}

static void kvm0_smp_swap(void)
{
	static u32 first[2] = {0, 1};
	struct kvm_regs regs;
	struct machine m, n;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	machine_open(&n, MODE_LONG, MACHINE_CPUID);
	swap = (struct swap){.vcpu = {m.vcpu, n.vcpu}};
	for (u32 i = 0; i < 2; i++)
		start_at(swap.vcpu[i], cpus_mix, GPA_MMIO, ~0ull);
	on_both(swap_runs, &first[0], &first[1]);
	CHECK_RESULT(swap.error, 0);
	for (u32 i = 0; i < 2; i++) {
		CHECK(swap.exits[i] > 0);
		CHECK_RESULT(t_ioctl_ptr(swap.vcpu[i], KVM_GET_REGS, &regs), 0);
		CHECK_EQUAL(regs.r8, (swap.exits[i] - 1) / 2);
	}
}

static void touch(void *arg)
{
	struct mixer *x = arg;

	if (!WRONG(run_here(x->vcpu), 0) && !WRONG(x->run->exit_reason, KVM_EXIT_IO))
		(void)WRONG(x->run->io.port, PORT_DONE);
}

/* Both vCPUs of a VM touch the same new pages at once: each page gets both their counts. */
static void kvm0_smp_touch(void)
{
	/* Not aligned to 2 MiB, so that each page is mapped alone. */
	u8 *pages = (u8 *)check_pages((TOUCH_PAGES + 1) * PAGE_SIZE) + PAGE_SIZE;
	static struct mixer x[2];
	struct machine m;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	x[0] = (struct mixer){.vcpu = m.vcpu, .run = m.run};
	x[1] = (struct mixer){.line = 0};
	x[1].vcpu = machine_add_vcpu(&m, 1, &x[1].run);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, TOUCH_PAGES * PAGE_SIZE, pages), 0);
	for (u32 i = 0; i < 2; i++)
		start_at(x[i].vcpu, cpus_touch, GPA_EXTRA, TOUCH_PAGES);
	on_both(touch, &x[0], &x[1]);
	check_mixer(&x[0]);
	check_mixer(&x[1]);
	for (u64 i = 0; i < TOUCH_PAGES; i++)
		CHECK_EQUAL(*(u32 *)(void *)(pages + i * PAGE_SIZE), 2);
}

static s64 create_once(void)
{
	s64 vm = kvm0_ioctl(0, KVM_CREATE_VM, 0), vcpu[2] = {0, 0}, r = vm;

	if (vm < 0)
		return vm;
	r = kvm0_ioctl((u32)vm, KVM_CREATE_IRQCHIP, 0);
	for (u32 i = 0; i < 2 && r >= 0; i++)
		r = vcpu[i] = kvm0_ioctl((u32)vm, KVM_CREATE_VCPU, i);
	kvm0_close((u32)vm);
	for (u32 i = 0; i < 2; i++)
		if (vcpu[i] > 0)
			kvm0_close((u32)vcpu[i]);
	return MIN(r, 0);
}

static void create_many(void *arg)
{
	s64 *result = arg;

	*result = 0;
	for (u32 i = 0; i < CREATIONS && !*result; i++)
		*result = create_once();
}

static void kvm0_smp_create(void)
{
	static s64 results[2];
	u64 pages;

	cpu1_need();
	pages = pool_pages();
	on_both(create_many, &results[0], &results[1]);
	CHECK_RESULT(results[0], 0);
	CHECK_RESULT(results[1], 0);
	CHECK_EQUAL(pool_pages(), pages);
}

/* Both close the same handles: each is closed by one of them. */
static struct closer {
	int handles[CLOSINGS];
	u64 closed[2];
	s64 error;
} closer;

static void close_all(void *arg)
{
	u64 *closed = arg;

	for (u32 i = 0; i < CLOSINGS; i++) {
		s64 r = kvm0_close((u32)closer.handles[i]);

		if (!r)
			++*closed;
		else if (r != -EBADF)
			WRITE_ONCE(closer.error, r);
	}
}

static void kvm0_smp_close_both(void)
{
	u64 pages;

	cpu1_need();
	pages = pool_pages();
	closer = (struct closer){.error = 0};
	for (u32 i = 0; i < CLOSINGS; i += 3) {
		int vm = (int)t_ioctl(t_system(), KVM_CREATE_VM, 0);

		closer.handles[i] = vm;
		closer.handles[i + 1] = (int)t_ioctl(vm, KVM_CREATE_VCPU, 0);
		closer.handles[i + 2] = t_event_create(0, false);
		for (u32 j = 0; j < 3; j++)
			CHECK(closer.handles[i + j] > 0);
	}
	on_both(close_all, &closer.closed[0], &closer.closed[1]);
	CHECK_RESULT(closer.error, 0);
	CHECK_EQUAL(closer.closed[0] + closer.closed[1], CLOSINGS);
	CHECK_EQUAL(pool_pages(), pages);
}

SUITE(kvm0_smp_load, TEST(kvm0_smp_two_vcpus), TEST(kvm0_smp_two_vms), TEST(kvm0_smp_swap),
      TEST(kvm0_smp_touch), TEST(kvm0_smp_create), TEST(kvm0_smp_close_both));
