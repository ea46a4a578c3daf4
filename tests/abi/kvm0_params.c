/* SPDX-License-Identifier: MIT */
/* Parameters at run time: the list, reading, changing, and what the change does. */
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_params.h"
#include "tests/abi/machine.h"

#define MSR_UNKNOWN 0x0badbad0u
#define BAD         ((struct kvm0_param *)(uintptr_t)T_BAD_ADDRESS)

static void put(char to[KVM0_PARAM_TEXT], const char *text)
{
	memset(to, 0, KVM0_PARAM_TEXT);
	memcpy(to, text, strlen(text));
}

static struct kvm0_param get(const char *name)
{
	struct kvm0_param p = {0};

	put(p.name, name);
	CHECK_RESULT((long)kvm0_get_param(&p, KVM0_PARAM_NAMED), 0);
	return p;
}

static long set(const char *name, const char *value)
{
	struct kvm0_param p = {0};

	put(p.name, name);
	put(p.value, value);
	return (long)kvm0_set_param(&p);
}

static void expect(const char *name, const char *value, u32 flags)
{
	struct kvm0_param p = get(name);

	if (strcmp(p.value, value) || p.flags != flags)
		check_fail(__FILE__, __LINE__, "%s is %s (%u), not %s (%u)", name, p.value, p.flags,
			   value, flags);
}

/* Each parameter of the list has the name by which it is found, and a value. */
static void params_list(void)
{
	struct kvm0_param p = {0};
	u64 count = 0;

	for (; !kvm0_get_param(&p, count); count++) {
		struct kvm0_param again = get(p.name);

		CHECK(p.name[0] && p.value[0]);
		CHECK(!memcmp(&p, &again, sizeof(p)));
	}
	CHECK(count > 20);
	CHECK_RESULT((long)kvm0_get_param(&p, count), -ENOENT);
	CHECK_RESULT((long)kvm0_get_param(&p, 1ull << 32), -ENOENT);
	CHECK_RESULT((long)kvm0_get_param(&p, KVM0_PARAM_NAMED - 1), -ENOENT);
}

/* The defaults are Linux's; what is not there says so. */
static void params_defaults(void)
{
	expect("ignore_msrs", "N", KVM0_PARAM_RUNTIME);
	expect("report_ignored_msrs", "Y", KVM0_PARAM_RUNTIME);
	expect("min_timer_period_us", "200", KVM0_PARAM_RUNTIME);
	expect("tsc_tolerance_ppm", "250", KVM0_PARAM_RUNTIME);
	expect("kvmclock_periodic_sync", "Y", KVM0_PARAM_RUNTIME);
	expect("vector_hashing", "Y", 0);
	CHECK_EQUAL(get("vpid").flags, 0); /* its value is the boot menu's to choose */
	expect("ept", "Y", KVM0_PARAM_FIXED);
	expect("unrestricted-guest", "Y", KVM0_PARAM_FIXED);
	expect("preemption_timer", "Y", KVM0_PARAM_FIXED);
	CHECK_EQUAL(get("enable_apicv").flags, 0);
	expect("flexpriority", "Y", 0);
	expect("nested", "N", KVM0_PARAM_FIXED);
	expect("ple_gap", "128", 0);
	expect("ple_window", "4096", 0);
	expect("ple_window_grow", "2", 0);
	expect("ple_window_shrink", "0", 0);
	expect("ple_window_max", "4294967295", 0);
	expect("halt_poll_ns", "200000", KVM0_PARAM_RUNTIME);
	expect("halt_poll_ns_grow", "2", KVM0_PARAM_RUNTIME);
	expect("halt_poll_ns_grow_start", "10000", KVM0_PARAM_RUNTIME);
	expect("halt_poll_ns_shrink", "0", KVM0_PARAM_RUNTIME);
	expect("mmu_audit", "N", KVM0_PARAM_FIXED);
	expect("lapic_timer_advance_ns", "-1", KVM0_PARAM_RUNTIME);
}

static void params_refused(void)
{
	struct kvm0_param p;

	CHECK_RESULT((long)kvm0_get_param(BAD, 0), -EFAULT);
	CHECK_RESULT((long)kvm0_set_param(BAD), -EFAULT);
	CHECK_RESULT(set("nosuchparameter", "1"), -ENOENT);
	CHECK_RESULT(set("", ""), -ENOENT);
	CHECK_RESULT(set("ignore_msrs", "perhaps"), -EINVAL);
	CHECK_RESULT(set("tsc_tolerance_ppm", "4294967296"), -EINVAL);
	CHECK_RESULT(set("tsc_tolerance_ppm", ""), -EINVAL);
	CHECK_RESULT(set("lapic_timer_advance_ns", "5001"), -EINVAL);
	CHECK_RESULT(set("lapic_timer_advance_ns", "-2"), -EINVAL);
	CHECK_RESULT(set("lapic_timer_advance_ns", "5000"), 0);
	CHECK_RESULT(set("lapic_timer_advance_ns", "-1"), 0);
	CHECK_RESULT(set("vpid", "N"), -EPERM);
	CHECK_RESULT(set("maxcpus", "1"), -EPERM);
	CHECK_RESULT(set("ept", "N"), -EOPNOTSUPP);
	CHECK_RESULT(set("ept", "perhaps"), -EINVAL);
	CHECK_RESULT(set("ept", "Y"), 0);
	CHECK_RESULT(set("ple_gap", "0"), -EPERM);
	CHECK_RESULT(set("enable_apicv", "N"), -EPERM);
	CHECK_RESULT(set("mitigations", "off"), -EPERM);
	CHECK_RESULT(set("vmentry_l1d_flush", "sometimes"), -EINVAL);
	CHECK_RESULT(set("vmentry_l1d_flush", "not required"), -EINVAL);
	memset(&p, 'a', sizeof(p));
	CHECK_RESULT((long)kvm0_get_param(&p, KVM0_PARAM_NAMED), -EINVAL);
	CHECK_RESULT((long)kvm0_set_param(&p), -EINVAL);
	put(p.name, "ignore_msrs");
	CHECK_RESULT((long)kvm0_set_param(&p), -EINVAL);
	params_defaults();
}

static long access_unknown(int vcpu, u64 request, u64 *value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = MSR_UNKNOWN, .data = 7}};
	long r = t_ioctl_ptr(vcpu, request, &msr);

	*value = msr.entry.data;
	return r;
}

/* Unknown MSRs: the guest's accesses and the calls. */
static void params_ignore_msrs(void)
{
	struct machine m;
	u64 value;
	long got[2];

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	CHECK_RESULT(access_unknown(m.vcpu, KVM_GET_MSRS, &value), 0);
	CHECK_RESULT(set("ignore_msrs", "1"), 0);
	got[0] = access_unknown(m.vcpu, KVM_SET_MSRS, &value);
	got[1] = access_unknown(m.vcpu, KVM_GET_MSRS, &value);
	m.regs.rcx = MSR_UNKNOWN;
	m.regs.rax = 0x1234;
	machine_start(&m, state_wrmsr);
	CHECK_RESULT(t_run(m.vcpu), 0);
	CHECK_RESULT(set("ignore-msrs", "off"), 0);
	CHECK_RESULT(got[0], 1);
	CHECK_RESULT(got[1], 1);
	CHECK_EQUAL(value, 0);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(machine_regs(&m).rax, 0);
	CHECK_RESULT(access_unknown(m.vcpu, KVM_GET_MSRS, &value), 0);
	expect("ignore_msrs", "N", KVM0_PARAM_RUNTIME);
}

/* A rate that is off by a thousandth: only if that is tolerated, or scaled. */
static void params_tsc_tolerance(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	bool scaling = t_ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0;
	u64 khz = (u64)t_ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
	long r;

	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_TSC_KHZ, khz + khz / 1000), scaling ? 0 : -EINVAL);
	CHECK_RESULT(set("tsc_tolerance_ppm", "0x7d0"), 0);
	expect("tsc_tolerance_ppm", "2000", KVM0_PARAM_RUNTIME);
	r = t_ioctl(vcpu, KVM_SET_TSC_KHZ, khz - khz / 1000);
	CHECK_RESULT(set("tsc_tolerance_ppm", "250"), 0);
	CHECK_RESULT(r, 0);
}

/* Each way of flushing, with a guest that exits in between; "not required" stays what it is. */
static void params_l1d_flush(void)
{
	static const char *const ways[] = {"always", "never", "cond", "auto"};
	struct kvm0_param before = get("vmentry_l1d_flush");
	bool required = strcmp(before.value, "not required") != 0;
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	for (u32 i = 0; i < ARRAY_SIZE(ways); i++) {
		const char *now = i == 3 ? "cond" : ways[i];

		CHECK_RESULT(set("vmentry_l1d_flush", ways[i]), 0);
		expect("vmentry_l1d_flush", required ? now : "not required", KVM0_PARAM_RUNTIME);
		m.regs.rcx = 0x10a;
		machine_do(&m, state_rdmsr);
		machine_do(&m, state_cpuid);
	}
	CHECK_RESULT(set("vmentry_l1d_flush", required ? before.value : "auto"), 0);
	expect("vmentry_l1d_flush", before.value, KVM0_PARAM_RUNTIME);
}

SUITE(kvm0_params, TEST(params_list), TEST(params_defaults), TEST(params_refused),
      TEST(params_ignore_msrs), TEST(params_tsc_tolerance), TEST(params_l1d_flush));
