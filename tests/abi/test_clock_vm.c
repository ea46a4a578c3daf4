/* SPDX-License-Identifier: MIT */
/* kvmclock of a whole VM: the time of day, several vCPUs, and another VM that goes on. */
#include "guest/control/vmm/state.h"
#include "tests/abi/kvmclock.h"
#include "tests/abi/suites.h"

#define MSR_TSC     0x10u
#define NS_A_SECOND 1000000000ull
#define DAY_2020_S  1577836800ull
#define NO_CALL     (-(s64)KVM_EOPNOTSUPP)

static u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

/* Where the VM's clock and the time of day are known together, after a vCPU has been made. */
static struct kvm_clock_data with_realtime(struct machine *m)
{
	struct kvm_clock_data d;

	clock_machine(m, 0);
	d = clock_get(m);
	if (!target_is_kvm0 && !(d.flags & KVM_CLOCK_REALTIME))
		check_skip("this host's clock is not its TSC");
	CHECK_EQUAL(d.flags, KVM_CLOCK_REALTIME | KVM_CLOCK_TSC_STABLE | KVM_CLOCK_HOST_TSC);
	return d;
}

/* The wall clock is the time of day less the VM's clock. */
static void clock_wall(void)
{
	static const u32 msrs[] = {MSR_KVM_WALL_CLOCK, MSR_KVM_WALL_CLOCK_NEW};
	struct clock_wall *w;
	struct kvm_clock_data d;
	struct machine m;

	(void)with_realtime(&m);
	w = machine_at(&m, GPA_WALL);
	for (u32 i = 0; i < 2; i++) {
		/* An odd version is what a guest may have left there. */
		*w = (struct clock_wall){.version = 5 + i};
		clock_set(&m, i * 1234 * NS_A_SECOND, 0, 0);
		clock_wrmsr(&m, msrs[i], GPA_WALL);
		d = clock_get(&m);
		CHECK_EQUAL(w->version & 1, 0);
		CHECK(w->version > 5);
		CHECK(w->nsec < NS_A_SECOND);
		CHECK(d.realtime > DAY_2020_S * NS_A_SECOND);
		CHECK(distance(w->sec * NS_A_SECOND + w->nsec + d.clock, d.realtime) <
		      NS_A_SECOND / 10);
		CHECK_EQUAL(machine_get_msr(&m, msrs[!i]), GPA_WALL);
	}
	/* Once, and not again when the clock changes. */
	*w = (struct clock_wall){.version = 8};
	clock_set(&m, 0, 0, 0);
	machine_do(&m, long_done);
	CHECK_EQUAL(w->version, 8);
}

/* KVM_SET_CLOCK with the time of day at which the clock was right. */
static void clock_realtime(void)
{
	struct machine m;
	struct kvm_clock_data d = with_realtime(&m), now;

	clock_set(&m, NS_A_SECOND, KVM_CLOCK_REALTIME, d.realtime - 3600 * NS_A_SECOND);
	now = clock_get(&m);
	CHECK(now.clock >= 3601 * NS_A_SECOND);
	CHECK(now.clock < 3700 * NS_A_SECOND);
	/* One in the future is none: the clock does not go back. */
	clock_set(&m, NS_A_SECOND, KVM_CLOCK_REALTIME, d.realtime + 3600 * NS_A_SECOND);
	now = clock_get(&m);
	CHECK(now.clock >= NS_A_SECOND);
	CHECK(now.clock < 100 * NS_A_SECOND);
	CHECK(now.realtime > d.realtime);
	CHECK(now.host_tsc > d.host_tsc);
}

static s64 pair(struct machine *m, u64 address, u64 type)
{
	m->regs.rax = KVM_HC_CLOCK_PAIRING;
	m->regs.rbx = address;
	m->regs.rcx = type;
	machine_do(m, fault_vmcall);
	return (s64)machine_regs(m).rax;
}

static void clock_pairing(void)
{
	struct kvm_clock_pairing p;
	struct kvm_clock_data d;
	struct machine m;
	u64 before, after;

	machine_need_vmx("privileged instructions");
	(void)with_realtime(&m);
	memset(machine_at(&m, GPA_BUFFER), 0x5a, PAGE_SIZE);
	before = machine_get_msr(&m, MSR_TSC);
	CHECK_EQUAL(pair(&m, GPA_BUFFER + 8, KVM_CLOCK_PAIRING_WALLCLOCK), 0);
	after = machine_get_msr(&m, MSR_TSC);
	memcpy(&p, machine_at(&m, GPA_BUFFER + 8), sizeof(p));
	d = clock_get(&m);
	CHECK(p.tsc >= before && p.tsc <= after);
	CHECK(distance((u64)p.sec * NS_A_SECOND + (u64)p.nsec, d.realtime) < NS_A_SECOND / 10);
	CHECK_EQUAL(p.flags, 0);
	for (u32 i = 0; i < ARRAY_SIZE(p.pad); i++)
		CHECK_EQUAL(p.pad[i], 0);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER), 0x5a5a5a5a5a5a5a5a);
	CHECK_EQUAL(machine_u64(&m, GPA_BUFFER + 8 + sizeof(p)), 0x5a5a5a5a5a5a5a5a);
	/* Over the end of a page it goes on in the next. */
	CHECK_EQUAL(pair(&m, GPA_BUFFER + PAGE_SIZE - 12, KVM_CLOCK_PAIRING_WALLCLOCK), 0);
	CHECK(machine_u64(&m, GPA_BUFFER + PAGE_SIZE - 12 + 16) > after);
	CHECK_EQUAL(pair(&m, GPA_BUFFER, 1), NO_CALL);
	CHECK_EQUAL(pair(&m, GPA_BUFFER, 1ull << 32), NO_CALL);
	CHECK_EQUAL(pair(&m, GPA_EXTRA, KVM_CLOCK_PAIRING_WALLCLOCK), -(s64)KVM_EFAULT);
	CHECK_EQUAL(pair(&m, GPA_LOW_END - 8, KVM_CLOCK_PAIRING_WALLCLOCK), -(s64)KVM_EFAULT);
	CHECK_EQUAL(pair(&m, ~0ull - 7, KVM_CLOCK_PAIRING_WALLCLOCK), -(s64)KVM_EFAULT);
}

/* The guest of another vCPU names its page; that is written. */
static void name_page(struct machine *m, int vcpu, struct kvm_run *run, u64 value)
{
	struct machine other = *m;

	other.vcpu = vcpu;
	other.run = run;
	clock_wrmsr(&other, MSR_KVM_SYSTEM_TIME_NEW, value);
}

/* When a page's time was 0, in ticks of the TSC, as far as a small one tells. */
static bool same_clock(const struct clock_page *a, const struct clock_page *b)
{
	return a->tsc_timestamp == b->tsc_timestamp && a->system_time == b->system_time &&
	       a->tsc_to_system_mul == b->tsc_to_system_mul && a->tsc_shift == b->tsc_shift &&
	       a->flags == b->flags;
}

/* Two vCPUs have one clock, until their TSCs are not one. */
static void clock_two_vcpus(void)
{
	struct clock_page a, b;
	struct machine m;
	struct kvm_run *run;
	int vcpu;

	machine_need_vmx("the offset of a guest's TSC");
	(void)with_realtime(&m);
	vcpu = machine_add_vcpu(&m, 1, &run);
	clock_start(&m);
	name_page(&m, vcpu, run, (GPA_CLOCK + 64) | 1);
	(void)clock_read_guest(&m);
	a = clock_page(&m, GPA_CLOCK);
	b = clock_page(&m, GPA_CLOCK + 64);
	CHECK(same_clock(&a, &b));
	CHECK_EQUAL(a.flags, CLOCK_STABLE);
	machine_set_msr(&m, MSR_TSC, 1ull << 55);
	name_page(&m, vcpu, run, (GPA_CLOCK + 64) | 1);
	m.regs.rdi = GPA_CLOCK;
	machine_start(&m, clock_read);
	(void)clock_read_guest(&m);
	a = clock_page(&m, GPA_CLOCK);
	b = clock_page(&m, GPA_CLOCK + 64);
	CHECK_EQUAL(a.flags | b.flags, 0);
	CHECK(distance(a.tsc_timestamp, b.tsc_timestamp) > 1ull << 54);
	CHECK(distance(a.system_time, b.system_time) < NS_A_SECOND);
	CHECK_EQUAL(clock_get(&m).flags, 0);
}

static struct vcpu_state vcpu_state;
static struct state state = {.count = 1, .vcpus = &vcpu_state};

/* Puts all of the VM into a new one. */
static void move(struct machine *m)
{
	int old_vm = m->vm, old_vcpu = m->vcpu;
	u32 vcpu = (u32)m->vcpu;
	const char *step = "";

	m->run->immediate_exit = 1;
	CHECK_RESULT(t_run(m->vcpu), -EINTR);
	m->run->immediate_exit = 0;
	CHECK(state_get(&state, (u32)m->vm, &vcpu, &step) >= 0);
	machine_reopen(m);
	vcpu = (u32)m->vcpu;
	if (state_set(&state, (u32)m->vm, &vcpu, &step) < 0)
		check_fail(__FILE__, __LINE__, "setting %s", step);
	check_close(old_vcpu);
	check_close(old_vm);
}

/* The guest's time goes on there, and it is told that it has been away. */
static void clock_moved(void)
{
	struct machine m;
	u64 now, next;

	clock_machine(&m, MACHINE_IRQCHIP | MACHINE_PIT);
	clock_start(&m);
	now = clock_read_guest(&m);
	for (u32 i = 0; i < 5; i++) {
		move(&m);
		next = clock_read_guest(&m);
		CHECK(next > now);
		CHECK(next < now + 5 * NS_A_SECOND);
		CHECK(clock_page(&m, GPA_CLOCK).flags & CLOCK_STOPPED);
		now = next;
	}
	CHECK_EQUAL(machine_get_msr(&m, MSR_KVM_SYSTEM_TIME_NEW), GPA_CLOCK | 1);
}

SUITE(clock_vm, TEST(clock_wall), TEST(clock_realtime), TEST(clock_pairing), TEST(clock_two_vcpus),
      TEST(clock_moved));
