/* SPDX-License-Identifier: MIT */
/*
 * Which values MSRs take: from KVM_SET_MSRS and from the guest's WRMSR, which is #GP where the MSR
 * refuses, and what is read afterwards.
 */
#include "tests/abi/machine.h"

/* What a write does: refused; taken as it comes; taken, and another value is read. */
enum outcome { REFUSED, TAKEN, READS_0 };

static const struct row {
	u32 index;
	enum outcome host, guest;
	u64 value;
} rows[] = {
	/* IA32_PAT: each byte is one of six memory types. */
	{0x277, TAKEN, TAKEN, 0x0007040600070406},
	{0x277, TAKEN, TAKEN, 0x0706050401000000},
	{0x277, REFUSED, REFUSED, 0x0200000000000000},
	{0x277, REFUSED, REFUSED, 0x0000000003000000},
	{0x277, REFUSED, REFUSED, 0x08},
	{0x277, REFUSED, REFUSED, 0x80},
	/* IA32_MTRR_DEF_TYPE: a type, fixed ranges on, on. */
	{0x2ff, TAKEN, TAKEN, 0xc06},
	{0x2ff, TAKEN, TAKEN, 0x805},
	{0x2ff, REFUSED, REFUSED, 0xc02},
	{0x2ff, REFUSED, REFUSED, 0xc07},
	{0x2ff, REFUSED, REFUSED, 0x100},
	{0x2ff, REFUSED, REFUSED, 0x1000},
	/* The variable ranges, of which there are eight: base and type, mask and valid. */
	{0x200, TAKEN, TAKEN, 0x123456006},
	{0x200, REFUSED, REFUSED, 0x123456002},
	{0x200, REFUSED, REFUSED, 0x123456106},
	{0x200, REFUSED, REFUSED, 1ull << 52},
	{0x201, TAKEN, TAKEN, 0xfc0000800},
	{0x201, REFUSED, REFUSED, 0xfc0000801},
	{0x201, REFUSED, REFUSED, 1ull << 52 | 0x800},
	{0x20f, TAKEN, TAKEN, 0x800},
	{0x210, REFUSED, REFUSED, 0},
	/* The fixed ranges: eight types. */
	{0x250, TAKEN, TAKEN, 0x0605040100060606},
	{0x250, REFUSED, REFUSED, 0x0600000000000200},
	{0x258, TAKEN, TAKEN, 0x0101010101010101},
	{0x26f, TAKEN, TAKEN, 0x0404040404040404},
	{0x26f, REFUSED, REFUSED, 0x0707070707070707},
	{0x251, REFUSED, REFUSED, 0},
	{0xfe, REFUSED, REFUSED, 0x508}, /* IA32_MTRRCAP */
	/* IA32_MISC_ENABLE: the guest leaves "no BTS" and "no PEBS" as they are. */
	{0x1a0, TAKEN, TAKEN, 0x1801},
	{0x1a0, TAKEN, REFUSED, 0x801},
	{0x1a0, TAKEN, REFUSED, 0},
	/* MSR_PLATFORM_INFO, MISC_FEATURES_ENABLES, IA32_POWER_CTL */
	{0xce, TAKEN, REFUSED, 0x80000000},
	{0x140, TAKEN, TAKEN, 1},
	{0x140, REFUSED, REFUSED, 2},
	{0x1fc, TAKEN, TAKEN, 0xb00},
	/* SMI_COUNT; AMD's HWCR, of which one bit stays and three are passed over */
	{0x34, TAKEN, REFUSED, 7},
	{0xc0010015, READS_0, READS_0, 0x148},
	{0xc0010015, REFUSED, REFUSED, 1},
	{0xc0010015, REFUSED, REFUSED, 1ull << 24},
	{0xc0010015, TAKEN, TAKEN, 1ull << 18}, /* for good, on Linux 6.1 */
	/* Those that do not change */
	{0, REFUSED, REFUSED, 0},
	{1, REFUSED, REFUSED, 0},
	{0x17, REFUSED, REFUSED, 0},
	{0x2a, REFUSED, REFUSED, 0},
	{0xc1, READS_0, READS_0, 0},
	{0x198, REFUSED, REFUSED, 0},
	{0x199, REFUSED, REFUSED, 0},
	{0x606, REFUSED, REFUSED, 0},
	{0xc0010010, REFUSED, REFUSED, 0},
	{0xc001001f, READS_0, READS_0, 0x1234},
	{0xc0010055, REFUSED, REFUSED, 0},
	{0xc0010058, READS_0, READS_0, 0},
	{0xc0010058, REFUSED, REFUSED, 1},
	{0xc0010112, REFUSED, REFUSED, 0},
	{0xc0010117, READS_0, READS_0, 0x1000},
	{0xc0011022, READS_0, READS_0, 1},
	{0xc001102a, READS_0, READS_0, 1},
	{0xc001102c, READS_0, READS_0, 1},
};

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

static bool host_writes(const struct machine *m, u32 index, u64 value)
{
	struct one_msr msr = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	return t_ioctl_ptr(m->vcpu, KVM_SET_MSRS, &msr) == 1;
}

/* RDMSR or WRMSR.  False: #GP. */
static bool guest_does(struct machine *m, const char *routine, u32 index, u64 *value)
{
	u64 *faults = machine_at(m, GPA_VARS + VAR_FAULTS);
	struct kvm_regs regs;

	*faults = 0;
	m->regs.rcx = index;
	m->regs.rax = (u32)*value;
	m->regs.rdx = *value >> 32;
	machine_do(m, routine);
	regs = machine_regs(m);
	*value = (u32)regs.rax | regs.rdx << 32;
	return !*faults;
}

static void check_row(struct machine *m, const struct row *r, const char *who, enum outcome want,
		      bool taken)
{
	u64 now;

	if (taken != (want != REFUSED))
		check_fail(__FILE__, __LINE__, "MSR 0x%x: 0x%llx from the %s is %s", r->index,
			   r->value, who, taken ? "taken" : "refused");
	if (!taken)
		return;
	now = machine_get_msr(m, r->index);
	if (now != (want == TAKEN ? r->value : 0))
		check_fail(__FILE__, __LINE__, "MSR 0x%x: 0x%llx after 0x%llx from the %s",
			   r->index, now, r->value, who);
}

static void msr_values_written(void)
{
	struct machine m;

	machine_need_vmx("the values of MSRs");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	t_start_watchdog(20000);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		u64 value = r->value, before;
		struct one_msr msr = {.head.nmsrs = 1, .entry.index = r->index};
		bool there = t_ioctl_ptr(m.vcpu, KVM_GET_MSRS, &msr) == 1;

		before = msr.entry.data;
		check_row(&m, r, "host", r->host, host_writes(&m, r->index, value));
		if (r->host == TAKEN)
			CHECK(host_writes(&m, r->index, before));
		check_row(&m, r, "guest", r->guest, guest_does(&m, fault_wrmsr, r->index, &value));
		if (there && r->host == TAKEN)
			CHECK(host_writes(&m, r->index, before));
	}
}

static void msr_values_read(void)
{
	static const struct {
		u32 index;
		u64 value;
	} fixed[] = {
		{0, 0},
		{1, 0},
		{0x17, 0},
		{0x2c, 1 << 24},
		{0x34, 0},
		{0xcd, 3},
		{0xce, 0x80000000},
		{0xfe, 0x508},
		{0x11e, 0xbe702111},
		{0x198, 1000 | 4ull << 40},
		{0x1a0, 0x1800},
		{0x277, 0x0007040600070406},
		{0x611, 0},
		{0xc0010010, 0},
		{0xc0010015, 0},
		{0xc0010117, 0},
	};
	struct machine m;

	machine_need_vmx("the values of MSRs");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	for (u32 i = 0; i < ARRAY_SIZE(fixed); i++) {
		u64 value = ~0ull;

		CHECK_EQUAL(machine_get_msr(&m, fixed[i].index), fixed[i].value);
		if (!guest_does(&m, fault_rdmsr, fixed[i].index, &value) || value != fixed[i].value)
			check_fail(__FILE__, __LINE__, "MSR 0x%x: the guest reads 0x%llx",
				   fixed[i].index, value);
	}
}

SUITE(msr_values, TEST(msr_values_written), TEST(msr_values_read));
