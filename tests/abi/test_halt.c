/* SPDX-License-Identifier: MIT */
/* Halted vCPUs: what polling counts and its limit, MWAIT, exits that are disabled. */
#include <linux/kvm_para.h>
#include "tests/abi/machine.h"

#define HALTS     60u
#define AHEAD_US  140u /* of a timer: within Linux's longest window, 200 us */
#define HIST_SIZE 32u
#define FILE_SIZE 16384u

/* What KVM_GET_STATS_FD tells of halts. */
struct halts {
	u64 attempted, successful, invalid, wakeups;
	u64 success_ns, fail_ns, wait_ns;
	u64 success_hist[HIST_SIZE], fail_hist[HIST_SIZE], wait_hist[HIST_SIZE];
};

static const struct {
	const char *name;
	u32 flags, size, offset;
} wanted[] = {
#define WANT(member, name, flags)                                                                  \
	{                                                                                          \
		name, flags, sizeof(((struct halts *)0)->member) / sizeof(u64),                    \
			offsetof(struct halts, member)                                             \
	}
#define COUNT (KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE)
#define NANO  (KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)
	WANT(attempted, "halt_attempted_poll", COUNT),
	WANT(successful, "halt_successful_poll", COUNT),
	WANT(invalid, "halt_poll_invalid", COUNT),
	WANT(wakeups, "halt_wakeup", COUNT),
	WANT(success_ns, "halt_poll_success_ns", KVM_STATS_TYPE_CUMULATIVE | NANO),
	WANT(fail_ns, "halt_poll_fail_ns", KVM_STATS_TYPE_CUMULATIVE | NANO),
	WANT(wait_ns, "halt_wait_ns", KVM_STATS_TYPE_CUMULATIVE | NANO),
	WANT(success_hist, "halt_poll_success_hist", KVM_STATS_TYPE_LOG_HIST | NANO),
	WANT(fail_hist, "halt_poll_fail_hist", KVM_STATS_TYPE_LOG_HIST | NANO),
	WANT(wait_hist, "halt_wait_hist", KVM_STATS_TYPE_LOG_HIST | NANO),
};

static struct halts read_halts(int vcpu)
{
	int fd = CHECK_HANDLE(t_ioctl(vcpu, KVM_GET_STATS_FD, 0));
	u8 *file = check_pages(FILE_SIZE);
	const struct kvm_stats_header *h = (const void *)file;
	struct halts halts = {0};
	u32 found = 0;

	CHECK(t_read(fd, file, FILE_SIZE, 0) > 0);
	for (u32 n = 0; n < h->num_desc; n++) {
		const struct kvm_stats_desc *d =
			(const void *)(file + h->desc_offset + n * (sizeof(*d) + h->name_size));

		for (u32 i = 0; i < ARRAY_SIZE(wanted); i++) {
			if (strcmp(d->name, wanted[i].name))
				continue;
			CHECK_EQUAL(d->flags, wanted[i].flags);
			CHECK_EQUAL(d->size, wanted[i].size);
			CHECK_EQUAL(d->exponent, wanted[i].flags & NANO ? -9 : 0);
			memcpy((u8 *)&halts + wanted[i].offset, file + h->data_offset + d->offset,
			       d->size * sizeof(u64));
			found++;
		}
	}
	CHECK_EQUAL(found, ARRAY_SIZE(wanted));
	check_close(fd);
	return halts;
}

static u64 sum(const u64 *hist)
{
	u64 total = 0;

	for (u32 i = 0; i < HIST_SIZE; i++)
		total += hist[i];
	return total;
}

static void check_sums(const struct halts *h)
{
	CHECK_EQUAL(sum(h->success_hist), h->successful);
	CHECK_EQUAL(sum(h->fail_hist), h->attempted - h->successful);
	CHECK_EQUAL(h->invalid, 0);
	/* What has come already ends a poll after 0 ns. */
	CHECK(h->successful || !h->success_ns);
	CHECK(sum(h->wait_hist) || !h->wait_ns);
}

/* A guest that halts HALTS times, each until its timer comes. */
static void open_halting(struct machine *m, u64 max_ns)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_HALT_POLL, .args = {max_ns}};
	long khz;

	if (t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		check_skip("no TSC-deadline timer");
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	CHECK_RESULT(t_ioctl(m->vm, KVM_CHECK_EXTENSION, KVM_CAP_HALT_POLL), 1);
	if (max_ns != ~0ull)
		CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_ENABLE_CAP, &cap), 0);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	khz = t_ioctl(m->vcpu, KVM_GET_TSC_KHZ, 0);
	CHECK(khz > 0);
	m->regs.r10 = (u64)khz * AHEAD_US / 1000;
	m->regs.r11 = 1;
	m->regs.rdi = HALTS;
	m->regs.rsi = GPA_RESULTS;
	machine_start(m, time_deadline);
}

/* The window grows until it is as long as the halts, and then polling sees their end. */
static void halt_polls(void)
{
	struct machine m;
	struct halts h;

	machine_need_vmx("halt polling");
	open_halting(&m, ~0ull);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), HALTS);
	h = read_halts(m.vcpu);
	check_sums(&h);
	CHECK(h.attempted > 0 && h.attempted <= HALTS);
	CHECK(h.wakeups > 0); /* while the window was 0 */
	CHECK(h.wait_ns > 0);
	if (target_is_kvm0) {
		/* 0, 10, 20, 40 and, by a little, 80 us are too short. */
		CHECK(h.wakeups == 4 || h.wakeups == 5);
		CHECK_EQUAL(h.successful, HALTS - h.wakeups);
		CHECK_EQUAL(h.attempted, HALTS - 1);
		CHECK(h.success_ns / h.successful > AHEAD_US * 1000 / 2);
	}
}

/* KVM_CAP_HALT_POLL: the longest window of a VM. */
static void halt_limit(void)
{
	struct machine m;
	struct halts h;

	machine_need_vmx("halt polling");
	open_halting(&m, 0);
	machine_run_out(&m, PORT_DONE);
	h = read_halts(m.vcpu);
	check_sums(&h);
	CHECK_EQUAL(h.attempted, 0);
	CHECK(h.wakeups > 0);
	open_halting(&m, 10000);
	machine_run_out(&m, PORT_DONE);
	h = read_halts(m.vcpu);
	check_sums(&h);
	/* It would have to be below the longest window to make the window grow. */
	CHECK_EQUAL(h.attempted, 0);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP,
				 &(struct kvm_enable_cap){.cap = KVM_CAP_HALT_POLL,
							  .args = {1ull << 32}}),
		     -EINVAL);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP,
				 &(struct kvm_enable_cap){.cap = KVM_CAP_HALT_POLL, .flags = 1}),
		     -EINVAL);
}

/* A new VM, with what is off in it. */
static void open_without(struct machine *m, u32 capability, u64 what, u32 options)
{
	struct kvm_enable_cap cap = {.cap = capability, .args = {what}};

	machine_open(m, MODE_LONG, options | MACHINE_BARE);
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_ENABLE_CAP, &cap), 0);
	m->vcpu = machine_add_vcpu(m, 0, &m->run);
}

/* What is pending for a vCPU that was never started ends KVM_RUN, and does not start it. */
static void halt_never_started(void)
{
	struct kvm_vcpu_events e;
	struct kvm_mp_state mp;
	struct kvm_run *run;
	struct machine m;
	int other;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	other = machine_add_vcpu(&m, 1, &run);
	CHECK_RESULT(t_ioctl(other, KVM_NMI, 0), 0);
	for (u32 i = 0; i < 2; i++) {
		CHECK_RESULT(t_run(other), -EAGAIN);
		CHECK_RESULT(t_ioctl_ptr(other, KVM_GET_MP_STATE, &mp), 0);
		CHECK_EQUAL(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
		CHECK_RESULT(t_ioctl_ptr(other, KVM_GET_VCPU_EVENTS, &e), 0);
		CHECK_EQUAL(e.nmi.pending, 1);
	}
	e.nmi.pending = 0;
	e.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	CHECK_RESULT(t_ioctl_ptr(other, KVM_SET_VCPU_EVENTS, &e), 0);
	run->immediate_exit = 1;
	CHECK_RESULT(t_run(other), -EINTR);
}

/* MONITOR and MWAIT do nothing, or are #UD without the quirk and CPUID's bit. */
static void halt_mwait(void)
{
	struct machine m;

	machine_need_vmx("MWAIT");
	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	machine_do(&m, halt_monitor_mwait);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 0);
	open_without(&m, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS,
		     MACHINE_CPUID);
	machine_do(&m, halt_monitor_mwait);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_VECTOR), 6);
}

/* HLT does not exit: the guest halts in itself, and its interrupts wake it. */
static void halt_natively(void)
{
	struct cpuid_table *cpuid = check_pages(sizeof(*cpuid));
	struct machine m;
	struct halts h;
	long known = t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS);
	long khz;

	machine_need_vmx("disabled exits");
	if (!(known & KVM_X86_DISABLE_EXITS_HLT))
		check_skip("HLT has to exit");
	open_without(&m, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT,
		     MACHINE_IRQCHIP | MACHINE_CPUID);
	cpuid->head.nent = MACHINE_MAX_CPUID;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_CPUID2, cpuid), 0);
	CHECK(machine_cpuid(cpuid, KVM_CPUID_FEATURES, 0));
	/* In Linux 6.1 only from the second KVM_SET_CPUID2 on. */
	if (target_is_kvm0)
		CHECK_EQUAL(machine_cpuid(cpuid, KVM_CPUID_FEATURES, 0)->eax >>
					    KVM_FEATURE_PV_UNHALT &
				    1,
			    0);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	khz = t_ioctl(m.vcpu, KVM_GET_TSC_KHZ, 0);
	m.regs.r10 = (u64)khz * AHEAD_US / 1000;
	m.regs.r11 = 1;
	m.regs.rdi = HALTS;
	m.regs.rsi = GPA_RESULTS;
	machine_do(&m, time_deadline);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), HALTS);
	h = read_halts(m.vcpu);
	CHECK_EQUAL(h.attempted + h.wakeups, 0);
}

SUITE(halt, TEST(halt_polls), TEST(halt_limit), TEST(halt_never_started), TEST(halt_mwait),
      TEST(halt_natively));
