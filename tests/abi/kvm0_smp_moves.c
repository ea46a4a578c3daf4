/* SPDX-License-Identifier: MIT */
/*
 * Many vCPUs on two CPUs: moved at random, while the memory under them changes; many VMs at once;
 * as many vCPUs as a VM can have; VMs that are made and closed on both CPUs.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "tests/abi/kvm0_smp.h"

#define VCPUS     16u
#define LOOKS     50u /* of a vCPU before it exits */
#define CHANGES   60u
#define TAG_SLOT  5u
#define LOG_SLOT  6u
#define COUNTERS  (GPA_EXTRA + 16 * PAGE_SIZE) /* a page for each vCPU */
#define TAG_NOW   (GPA_VARS + 0x800)           /* the page at GPA_EXTRA is that number or above */
#define MANY      64u
#define CREATIONS 60u

/* Static: a job that does not end outlives its test. */
static struct {
	struct machine m;
	struct {
		int vcpu;
		struct kvm_run *run;
		u64 looks;
		u32 taken; /* 1: a CPU has it; atomic */
		u32 last;  /* the CPU that it ran on */
	} v[VCPUS];
	u8 *tag[2], *counters;
	u32 moves; /* atomic */
	u32 stop;  /* atomic */
	u32 error; /* the first unexpected thing; atomic */
} t;

static u32 random_of(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void error(u32 line)
{
	u32 none = 0;

	(void)__atomic_compare_exchange_n(&t.error, &none, line, false, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
}

/* The vCPU @n, if nobody has it: one run, and what its exit wants. */
static void run_one(u32 n, u32 cpu)
{
	struct kvm_run *run = t.v[n].run;

	if (__atomic_exchange_n(&t.v[n].taken, 1, __ATOMIC_ACQUIRE))
		return;
	if (t.v[n].last != cpu)
		__atomic_fetch_add(&t.moves, 1, __ATOMIC_RELAXED);
	t.v[n].last = cpu;
	if (run_here(t.v[n].vcpu)) {
		error(__LINE__);
	} else if (run->exit_reason == KVM_EXIT_IO) {
		if (run->io.port != PORT_TEST) /* it has seen an old page */
			error(__LINE__);
		t.v[n].looks += LOOKS;
	} else if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == GPA_EXTRA &&
		   !run->mmio.is_write) { /* between two slots: as new as can be */
		memset(run->mmio.data, 0x7f, sizeof(run->mmio.data));
	} else {
		error(__LINE__);
	}
	__atomic_store_n(&t.v[n].taken, 0, __ATOMIC_RELEASE);
}

static void run_at_random(void *unused)
{
	u32 state = 0x1234567;

	(void)unused;
	while (!__atomic_load_n(&t.stop, __ATOMIC_ACQUIRE))
		run_one(random_of(&state) % VCPUS, 1);
}

static void open_vcpus(void)
{
	cpu1_need();
	memset(&t, 0, sizeof(t));
	machine_open(&t.m, MODE_LONG, 0);
	for (u32 i = 0; i < 2; i++)
		t.tag[i] = check_pages(PAGE_SIZE);
	t.counters = check_pages(VCPUS * PAGE_SIZE);
	CHECK_RESULT(machine_slot(t.m.vm, TAG_SLOT, 0, GPA_EXTRA, PAGE_SIZE, t.tag[0]), 0);
	CHECK_RESULT(machine_slot(t.m.vm, LOG_SLOT, 0, COUNTERS, VCPUS * PAGE_SIZE, t.counters), 0);
	for (u32 i = 0; i < VCPUS; i++) {
		struct kvm_regs r = {.rip = machine_entry(cpus_fresh),
				     .rsp = GPA_STACK,
				     .rflags = 2,
				     .rdi = GPA_EXTRA,
				     .rsi = LOOKS,
				     .rbx = TAG_NOW,
				     .r9 = COUNTERS + i * PAGE_SIZE};

		t.v[i].vcpu = i ? machine_add_vcpu(&t.m, i, &t.v[i].run) : t.m.vcpu;
		t.v[i].run = i ? t.v[i].run : t.m.run;
		CHECK_RESULT(t_ioctl_ptr(t.v[i].vcpu, KVM_SET_REGS, &r), 0);
	}
}

/* Another page is where the tag is, with a higher number; then the guests are told. */
static void change_tag(u64 number)
{
	u8 *page = t.tag[number & 1];

	*(u64 *)(void *)page = number;
	CHECK_RESULT(machine_slot(t.m.vm, TAG_SLOT, 0, GPA_EXTRA, 0, page), 0);
	CHECK_RESULT(machine_slot(t.m.vm, TAG_SLOT, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	__atomic_store_n((u64 *)machine_at(&t.m, TAG_NOW), number, __ATOMIC_RELEASE);
}

static void change_log(bool on)
{
	CHECK_RESULT(machine_slot(t.m.vm, LOG_SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, COUNTERS,
				  VCPUS * PAGE_SIZE, t.counters),
		     0);
}

static void read_log(u64 *bits)
{
	struct kvm_dirty_log log = {.slot = LOG_SLOT, .dirty_bitmap = bits};

	CHECK_RESULT(t_ioctl_ptr(t.m.vm, KVM_GET_DIRTY_LOG, &log), 0);
}

/* All vCPUs end at an exit of theirs; what they have counted is in memory. */
static void check_counters(void)
{
	CHECK_EQUAL(t.error, 0);
	for (u32 i = 0; i < VCPUS; i++) {
		u64 counted = *(u64 *)(void *)(t.counters + i * PAGE_SIZE);

		/* The last slice may have ended at a device access. */
		CHECK(counted >= t.v[i].looks && counted < t.v[i].looks + LOOKS);
		CHECK(counted > 0);
	}
	CHECK(t.moves > VCPUS);
}

static void kvm0_smp_16_vcpus(void)
{
	u64 *bits = check_pages(PAGE_SIZE);
	u32 state = 0x89abcdef;

	open_vcpus();
	cpu1_begin(run_at_random, NULL);
	for (u32 i = 1; i <= CHANGES && !READ_ONCE(t.error); i++) {
		change_tag(i);
		change_log(i & 1);
		for (u32 k = 0; k < VCPUS / 2; k++)
			run_one(random_of(&state) % VCPUS, 0);
		if (i & 1)
			read_log(bits);
	}
	for (u32 i = 0; i < VCPUS; i++)
		run_one(i, 0);
	__atomic_store_n(&t.stop, 1, __ATOMIC_RELEASE);
	smp_kick(1);
	cpu1_end();
	check_counters();
}

/* Runs @count vCPUs, each on the CPU that is its turn, up to DONE. */
static struct {
	int vcpu[MANY];
	struct kvm_run *run[MANY];
	u32 error;
} many;

static void run_every_other(void *arg)
{
	for (u32 i = *(const u32 *)arg; i < MANY; i += 2)
		if (run_here(many.vcpu[i]) || many.run[i]->exit_reason != KVM_EXIT_IO ||
		    many.run[i]->io.port != PORT_DONE)
			__atomic_store_n(&many.error, i + 1, __ATOMIC_RELAXED);
}

static void run_many(void)
{
	static const u32 first[2] = {0, 1};

	for (u32 turn = 0; turn < 4; turn++) { /* each moves between two turns */
		for (u32 i = 0; i < MANY; i++)
			start_at(many.vcpu[i], long_done, 0, 0);
		cpu1_begin(run_every_other, (void *)(uintptr_t)&first[turn & 1]);
		run_every_other((void *)(uintptr_t)&first[~turn & 1]);
		cpu1_end();
		CHECK_EQUAL(many.error, 0);
	}
}

static void kvm0_smp_64_vcpus(void)
{
	struct machine m;

	cpu1_need();
	memset(&many, 0, sizeof(many));
	machine_open(&m, MODE_LONG, 0);
	many.vcpu[0] = m.vcpu;
	many.run[0] = m.run;
	for (u32 i = 1; i < MANY; i++)
		many.vcpu[i] = machine_add_vcpu(&m, i, &many.run[i]);
	run_many();
}

/* They share the memory, which none of them writes to. */
static void kvm0_smp_64_vms(void)
{
	struct machine m;

	cpu1_need();
	memset(&many, 0, sizeof(many));
	machine_open(&m, MODE_LONG, 0);
	for (u32 i = 0; i < MANY; i++) {
		if (i)
			machine_reopen(&m);
		many.vcpu[i] = m.vcpu;
		many.run[i] = m.run;
	}
	run_many();
}

static void create_and_close(void *arg)
{
	u32 *bad = arg;

	for (u32 i = 0; i < CREATIONS && !*bad; i++) {
		long vm = target_ioctl(t_system(), KVM_CREATE_VM, 0);
		long a = target_ioctl((int)vm, KVM_CREATE_VCPU, 0);
		long b = target_ioctl((int)vm, KVM_CREATE_VCPU, i % 63 + 1);

		if (vm < 0 || a < 0 || b < 0 || t_close((int)a) || t_close((int)vm) ||
		    t_close((int)b))
			*bad = i + 1;
	}
}

static void kvm0_smp_make_on_both(void)
{
	static u32 bad[2];
	u64 pages;

	cpu1_need();
	pages = pool_pages();
	bad[0] = bad[1] = 0;
	cpu1_begin(create_and_close, &bad[1]);
	create_and_close(&bad[0]);
	cpu1_end();
	CHECK_EQUAL(bad[0], 0);
	CHECK_EQUAL(bad[1], 0);
	CHECK_EQUAL(pool_pages(), pages);
}

SUITE(kvm0_smp_moves, TEST(kvm0_smp_16_vcpus), TEST(kvm0_smp_64_vcpus), TEST(kvm0_smp_64_vms),
      TEST(kvm0_smp_make_on_both));
