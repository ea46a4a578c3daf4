/* SPDX-License-Identifier: MIT */
/*
 * Ballooning: pages are taken away from a guest that counts in all of them, moved elsewhere, and
 * given back when it wants them.  The guest checks each count, and the place where a page was has
 * to stay as it was left: no access slips through.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_balloon.h"
#include "tests/abi/kvm0_smp.h"

#define PAGES  24u
#define POISON 0xee
#define LAST   (PAGE_SIZE - 8)
/* How often the guest counts: on two CPUs a page is gone again as soon as it is there. */
#define ROUNDS_ONE 2000u
#define ROUNDS_TWO 500u

/* Static: a job that does not end outlives its test. */
static struct balloon {
	u32 vm, vcpu;
	u32 lock;      /* of all that follows */
	u8 *at[PAGES]; /* where each page is */
	u8 *spare;     /* a page that was taken away, poisoned */
	bool supplied[PAGES];
	u32 wanted, withdrawn, random;
	u32 poison_gone; /* times that a spare page was found written to */
	s64 result;      /* of the last call */
	volatile u32 ended;
} b;

static void lock(void)
{
	while (__atomic_exchange_n(&b.lock, 1, __ATOMIC_ACQUIRE))
		cpu_pause();
}

static void unlock(void)
{
	__atomic_store_n(&b.lock, 0, __ATOMIC_RELEASE);
}

static bool poisoned(const u8 *page)
{
	const u64 *words = (const void *)page;

	for (u32 i = 0; i < PAGE_SIZE / 8; i++)
		if (words[i] != POISON * 0x0101010101010101ull)
			return false;
	return true;
}

/* Takes a page away, if the guest has it, and moves it. */
static void take_away(u32 page)
{
	lock();
	if (b.supplied[page]) {
		u8 *from = b.at[page];
		b.result = kvm0_withdraw(b.vm, GPA_EXTRA + page * PAGE_SIZE, 1);
		b.poison_gone += !poisoned(b.spare);
		memcpy(b.spare, from, PAGE_SIZE);
		memset(from, POISON, PAGE_SIZE);
		b.at[page] = b.spare;
		b.spare = from;
		b.supplied[page] = false;
		b.withdrawn++;
	}
	unlock();
}

static void take_some_away(void)
{
	b.random = b.random * 1103515245 + 12345;
	take_away((b.random >> 16) % PAGES);
}

static bool give(u64 gpa)
{
	u64 page = (gpa - GPA_EXTRA) / PAGE_SIZE;

	lock();
	b.wanted++;
	b.result = page < PAGES ? kvm0_supply(b.vm, gpa, b.at[page], 1, KVM0_SUPPLY_WRITABLE)
				: -EFAULT;
	if (b.result == 1)
		b.supplied[page] = true;
	unlock();
	return b.result == 1;
}

/* Runs the guest to its end; between its runs pages go, if `here`. */
static void run(bool here)
{
	u64 detail;
	s64 r;

	do {
		r = kvm0_run_once(b.vcpu, 0, &detail);
		if (r == KVM0_RUN_PAGE_WANTED && !give(detail & ~KVM0_WANTED_WRITE))
			break;
		if (here)
			take_some_away();
	} while (r == KVM0_RUN_AGAIN || r == KVM0_RUN_PAGE_WANTED);
	b.result = r;
	__atomic_store_n(&b.ended, 1, __ATOMIC_RELEASE);
}

static void run_job(void *unused)
{
	(void)unused;
	run(false);
}

static void open(struct machine *m, u32 rounds)
{
	u8 *memory = check_pages((PAGES + 1) * PAGE_SIZE);

	machine_open(m, MODE_LONG, 0);
	CHECK_RESULT(machine_slot(m->vm, 5, KVM0_MEM_ON_DEMAND, GPA_EXTRA, PAGES * PAGE_SIZE, NULL),
		     0);
	memset(&b, 0, sizeof(b));
	b.vm = (u32)m->vm;
	b.vcpu = (u32)m->vcpu;
	for (u32 i = 0; i < PAGES; i++)
		b.at[i] = memory + i * PAGE_SIZE;
	b.spare = memset(memory + PAGES * PAGE_SIZE, POISON, PAGE_SIZE);
	m->regs.rdi = GPA_EXTRA;
	m->regs.rsi = PAGES;
	m->regs.r9 = rounds;
	machine_start(m, cpus_check);
}

static void check_end(const struct machine *m, u32 rounds)
{
	CHECK_RESULT((long)b.result, 0);
	CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(m->run->io.port, PORT_DONE);
	CHECK_EQUAL(machine_regs(m).rdi, 0); /* else the page in which it found RAX */
	CHECK_EQUAL(b.poison_gone, 0);
	CHECK(poisoned(b.spare));
	CHECK(b.withdrawn >= 20);
	CHECK(b.wanted >= b.withdrawn);
	for (u32 i = 0; i < PAGES; i++) {
		CHECK_EQUAL(*(u64 *)(void *)b.at[i], rounds);
		CHECK_EQUAL(*(u64 *)(void *)(b.at[i] + LAST), rounds);
	}
}

static void kvm0_balloon_one_cpu(void)
{
	struct machine m;

	open(&m, ROUNDS_ONE);
	run(true);
	check_end(&m, ROUNDS_ONE);
}

/* The guest runs on CPU 1 while this one takes its pages away. */
static void kvm0_balloon_two_cpus(void)
{
	struct machine m;

	cpu1_need();
	open(&m, ROUNDS_TWO);
	cpu1_begin(run_job, NULL);
	while (!__atomic_load_n(&b.ended, __ATOMIC_ACQUIRE))
		take_some_away();
	cpu1_end();
	check_end(&m, ROUNDS_TWO);
}

SUITE(kvm0_balloon, TEST(kvm0_balloon_one_cpu), TEST(kvm0_balloon_two_cpus));
