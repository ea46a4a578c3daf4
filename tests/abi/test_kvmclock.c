/* SPDX-License-Identifier: MIT */
/* kvmclock: a page from which a guest computes the VM's clock, and the wall clock. */
#include "tests/abi/kvmclock.h"
#include "tests/abi/suites.h"

#define MSR_TSC        0x10u
#define MSR_TSC_ADJUST 0x3bu
#define NS_A_SECOND    1000000000ull
#define NS_AN_HOUR     (3600 * NS_A_SECOND)

static void kvmclock_offered(void)
{
	struct cpuid_table *t = check_pages(sizeof(*t));
	struct kvm_cpuid_entry2 *e;

	machine_supported_cpuid(t);
	e = machine_cpuid(t, KVM_CPUID_FEATURES, 0);
	CHECK(e);
	CHECK(e->eax & 1u << KVM_FEATURE_CLOCKSOURCE);
	CHECK(e->eax & 1u << KVM_FEATURE_CLOCKSOURCE2);
	CHECK(e->eax & 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_CLOCKSOURCE), 1);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_KVMCLOCK_CTRL), 1);
}

/* The guest's time is KVM_GET_CLOCK's, and stays so when that is set. */
static void kvmclock_reads(void)
{
	struct clock_page p;
	struct machine m;
	u64 now;

	clock_machine(&m, 0);
	clock_start(&m);
	now = clock_read_guest(&m);
	for (u32 i = 0; i < 50; i++) {
		u64 next = clock_read_guest(&m);

		CHECK(next > now);
		now = next;
	}
	p = clock_page(&m, GPA_CLOCK);
	CHECK(p.version);
	CHECK_EQUAL(p.flags & CLOCK_STABLE, (clock_get(&m).flags & KVM_CLOCK_TSC_STABLE) != 0);
	CHECK(!target_is_kvm0 || p.flags & CLOCK_STABLE);
	CHECK(p.tsc_timestamp <= machine_get_msr(&m, MSR_TSC));
	clock_set(&m, NS_AN_HOUR, 0, 0);
	now = clock_read_guest(&m);
	CHECK(now >= NS_AN_HOUR);
	CHECK(clock_page(&m, GPA_CLOCK).version > p.version);
	clock_set(&m, 1000, 0, 0);
	CHECK(clock_read_guest(&m) < NS_AN_HOUR);
	/* By the old number too, which Linux then does not call stable. */
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME, GPA_CLOCK | 1);
	CHECK_EQUAL(machine_get_msr(&m, MSR_KVM_SYSTEM_TIME_NEW), GPA_CLOCK | 1);
	CHECK_EQUAL(clock_page(&m, GPA_CLOCK).flags, 0);
	CHECK_EQUAL(clock_get(&m).flags, 0);
	machine_start(&m, clock_read);
	now = clock_read_guest(&m);
	CHECK(clock_read_guest(&m) > now);
}

/* What the guest and the host do to the TSC does not show. */
static void kvmclock_tsc(void)
{
	struct machine m;
	u64 now, next;

	machine_need_vmx("the offset of a guest's TSC");
	clock_machine(&m, 0);
	clock_start(&m);
	now = clock_read_guest(&m);
	machine_set_msr(&m, MSR_TSC, 1ull << 55);
	next = clock_read_guest(&m);
	CHECK(next > now && next < now + NS_A_SECOND);
	CHECK(machine_get_msr(&m, MSR_TSC) >= 1ull << 55);
	now = next;
	m.regs.rcx = MSR_TSC_ADJUST;
	m.regs.rsi = 1ull << 56;
	machine_start(&m, clock_read);
	for (u32 i = 0; i < 3; i++) {
		next = clock_read_guest(&m);
		CHECK(next > now && next < now + NS_A_SECOND);
		now = next;
	}
	CHECK_EQUAL(machine_get_msr(&m, MSR_TSC_ADJUST), 1ull << 56);
	if (!target_is_kvm0) /* Linux leaves the page as it was then */
		return;
	m.regs.rcx = MSR_TSC;
	m.regs.rsi = 1ull << 40;
	machine_start(&m, clock_read);
	for (u32 i = 0; i < 3; i++) {
		next = clock_read_guest(&m);
		CHECK(next > now && next < now + NS_A_SECOND);
		now = next;
	}
}

/* The guest's TSC at another rate. */
static void kvmclock_scaled(void)
{
	struct machine m;
	u64 host, now;

	clock_machine(&m, 0);
	if (!t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL))
		check_skip("no TSC scaling on this machine");
	host = (u64)t_ioctl(m.vcpu, KVM_GET_TSC_KHZ, 0);
	for (u32 i = 1; i <= 3; i++) {
		CHECK_RESULT(t_ioctl(m.vcpu, KVM_SET_TSC_KHZ, host * (2 * i + 1) / 3), 0);
		/* Linux takes the new rate when the page is written next. */
		clock_start(&m);
		now = clock_read_guest(&m);
		CHECK(clock_read_guest(&m) > now);
	}
}

/* Pages that are none: nothing is written, and nothing else happens. */
static void kvmclock_addresses(void)
{
	static const u64 values[] = {
		GPA_CLOCK,                       /* off */
		(GPA_EXTRA + 2 * PAGE_SIZE) | 1, /* no slot */
		(GPA_EXTRA + PAGE_SIZE) | 1,     /* read-only */
		(GPA_EXTRA + 0xff0) | 1,         /* over the end of a page */
		(GPA_LOW_END - 16) | 1,          /* and of a slot */
		0xfffffffffffff000 | 1,
		~0ull,
		0x8000000000000001,
	};
	struct machine m;
	u8 *extra;

	clock_machine(&m, 0);
	extra = check_pages(2 * PAGE_SIZE);
	memset(extra, 0x5a, 2 * PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, extra), 0);
	CHECK_RESULT(machine_slot(m.vm, 6, KVM_MEM_READONLY, GPA_EXTRA + PAGE_SIZE, PAGE_SIZE,
				  extra + PAGE_SIZE),
		     0);
	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, values[i]);
		clock_wrmsr(&m, MSR_KVM_WALL_CLOCK_NEW, values[i] & ~1ull);
		clock_set(&m, NS_AN_HOUR, 0, 0);
		machine_do(&m, long_done);
	}
	/* All is as it was but for one wall clock, which ends 4 bytes before the page does. */
	for (u32 i = 0; i < 2 * PAGE_SIZE; i++)
		CHECK((i >= 0xff0 && i < 0xffc) || extra[i] == 0x5a);
	/* Bits that have no meaning are part of the address. */
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, (GPA_CLOCK + 2) | 1);
	CHECK(clock_page(&m, GPA_CLOCK + 2).tsc_to_system_mul);
}

/* Named twice, switched off, without memory for a while. */
static void kvmclock_changes(void)
{
	struct machine m;
	u8 *extra;
	u32 version;

	clock_machine(&m, 0);
	extra = check_pages(PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, extra), 0);
	clock_start(&m);
	version = clock_page(&m, GPA_CLOCK).version;
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, GPA_CLOCK | 1);
	CHECK(clock_page(&m, GPA_CLOCK).version > version);
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, GPA_EXTRA | 1);
	version = clock_page(&m, GPA_CLOCK).version;
	CHECK(((struct clock_page *)(void *)extra)->tsc_to_system_mul);
	/* The slot goes, and comes back. */
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, extra), 0);
	memset(extra, 0, PAGE_SIZE);
	clock_set(&m, NS_AN_HOUR, 0, 0);
	machine_do(&m, long_done);
	CHECK_EQUAL(((struct clock_page *)(void *)extra)->version, 0);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, extra), 0);
	clock_set(&m, 2 * NS_AN_HOUR, 0, 0);
	machine_do(&m, long_done);
	CHECK(((struct clock_page *)(void *)extra)->system_time >= 2 * NS_AN_HOUR);
	/* Off: neither place is written any more. */
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, 0);
	memset(extra, 0, PAGE_SIZE);
	clock_set(&m, NS_AN_HOUR, 0, 0);
	machine_do(&m, long_done);
	CHECK_EQUAL(((struct clock_page *)(void *)extra)->version, 0);
	CHECK_EQUAL(clock_page(&m, GPA_CLOCK).version, version);
}

/* The page enters the log. */
static void kvmclock_logged(void)
{
	u64 *bits = check_pages(PAGE_SIZE);
	struct kvm_dirty_log log = {.slot = 5, .dirty_bitmap = bits};
	struct machine m;
	u8 *extra;

	clock_machine(&m, 0);
	extra = check_pages(4 * PAGE_SIZE);
	CHECK_RESULT(
		machine_slot(m.vm, 5, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, 4 * PAGE_SIZE, extra), 0);
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, (GPA_EXTRA + 2 * PAGE_SIZE) | 1);
	clock_wrmsr(&m, MSR_KVM_WALL_CLOCK_NEW, GPA_EXTRA + PAGE_SIZE - 4);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits[0], 7);
	clock_set(&m, NS_AN_HOUR, 0, 0);
	machine_do(&m, long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits[0], 4);
}

/* What the guest was stopped for is told once, and stays until it clears it. */
static void kvmclock_stopped(void)
{
	struct clock_page *p;
	struct machine m;

	clock_machine(&m, 0);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_KVMCLOCK_CTRL, 0), -EINVAL);
	clock_start(&m);
	p = machine_at(&m, GPA_CLOCK);
	(void)clock_read_guest(&m);
	CHECK_EQUAL(p->flags & CLOCK_STOPPED, 0);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_KVMCLOCK_CTRL, 0), 0);
	(void)clock_read_guest(&m);
	CHECK_EQUAL(p->flags & CLOCK_STOPPED, CLOCK_STOPPED);
	clock_set(&m, NS_AN_HOUR, 0, 0);
	(void)clock_read_guest(&m);
	CHECK_EQUAL(p->flags & CLOCK_STOPPED, CLOCK_STOPPED);
	p->flags = (u8)(p->flags & ~CLOCK_STOPPED);
	clock_set(&m, 2 * NS_AN_HOUR, 0, 0);
	(void)clock_read_guest(&m);
	CHECK_EQUAL(p->flags & CLOCK_STOPPED, 0);
	clock_wrmsr(&m, MSR_KVM_SYSTEM_TIME_NEW, GPA_CLOCK);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_KVMCLOCK_CTRL, 0), -EINVAL);
}

/* MSRs of features that CPUID does not have, where that is enforced. */
static void kvmclock_enforced(void)
{
	static const u32 msrs[] = {MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK_NEW,
				   MSR_KVM_SYSTEM_TIME_NEW};
	struct kvm_enable_cap cap = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};
	struct cpuid_table *t = check_pages(sizeof(*t));
	struct machine m;

	for (u32 has = 0; has < 3; has++) {
		machine_open(&m, MODE_LONG, 0);
		machine_guest_cpuid(t);
		machine_cpuid(t, KVM_CPUID_FEATURES, 0)->eax =
			has == 0   ? 0
			: has == 1 ? 1u << KVM_FEATURE_CLOCKSOURCE
				   : 1u << KVM_FEATURE_CLOCKSOURCE2;
		CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, t), 0);
		CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_ENABLE_CAP, &cap), 0);
		for (u32 i = 0; i < ARRAY_SIZE(msrs); i++) {
			bool there = has == 1 + i / 2;

			m.regs.rcx = msrs[i];
			m.regs.rax = m.regs.rdx = 0;
			memset(machine_at(&m, GPA_VARS), 0, 64);
			machine_do(&m, fault_rdmsr);
			CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), !there);
			memset(machine_at(&m, GPA_VARS), 0, 64);
			machine_do(&m, fault_wrmsr);
			CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), !there);
		}
	}
}

SUITE(kvmclock, TEST(kvmclock_offered), TEST(kvmclock_reads), TEST(kvmclock_tsc),
      TEST(kvmclock_scaled), TEST(kvmclock_addresses), TEST(kvmclock_changes),
      TEST(kvmclock_logged), TEST(kvmclock_stopped), TEST(kvmclock_enforced));
