/* SPDX-License-Identifier: MIT */
/* Steal time (MSR_KVM_STEAL_TIME), and the TLB flush that another vCPU asks for in its memory. */
#include <linux/kvm_para.h>
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

#define STEAL_GPA (GPA_EXTRA + 0x1000)
#define VIEW      0x80000000ull /* a linear address that one large page is mapped to */

static struct kvm_steal_time *page_of(u8 *extra)
{
	return (struct kvm_steal_time *)(void *)(extra + (STEAL_GPA - GPA_EXTRA));
}

static long set_msr(int vcpu, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	return t_ioctl_ptr(vcpu, KVM_SET_MSRS, &msr);
}

static long get_msr(int vcpu, u32 index, u64 *value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {.head.nmsrs = 1, .entry = {.index = index}};
	long r = t_ioctl_ptr(vcpu, KVM_GET_MSRS, &msr);

	*value = msr.entry.data;
	return r;
}

static void need_steal_time(void)
{
	struct cpuid_table *t = check_pages(sizeof(*t));

	machine_supported_cpuid(t);
	if (!target_is_kvm0 &&
	    !(machine_cpuid(t, KVM_CPUID_FEATURES, 0)->eax & 1u << KVM_FEATURE_STEAL_TIME))
		check_skip("this Linux does not account for steal time");
}

static void steal_offered(void)
{
	struct cpuid_table *t = check_pages(sizeof(*t));
	u32 features;

	need_steal_time();
	machine_supported_cpuid(t);
	features = machine_cpuid(t, KVM_CPUID_FEATURES, 0)->eax;
	CHECK(features & 1u << KVM_FEATURE_STEAL_TIME);
	CHECK(features & 1u << KVM_FEATURE_PV_TLB_FLUSH);
}

static void steal_msr(void)
{
	static const u64 bad[] = {2, 4, 8, 16, 32, 0x3f, GPA_BUFFER | 33};
	static const u64 good[] = {GPA_BUFFER | 1, 0, GPA_BUFFER, 1, 0xffffffffffffffc1, 64};
	struct machine m;
	u64 value;

	need_steal_time();
	machine_open(&m, MODE_LONG, 0);
	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_STEAL_TIME, good[i]), 1);
		CHECK_RESULT(get_msr(m.vcpu, MSR_KVM_STEAL_TIME, &value), 1);
		CHECK_EQUAL(value, good[i]);
		machine_do(&m, long_done);
	}
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_RESULT(set_msr(m.vcpu, MSR_KVM_STEAL_TIME, bad[i]), 0);
		CHECK_RESULT(get_msr(m.vcpu, MSR_KVM_STEAL_TIME, &value), 1);
		CHECK_EQUAL(value, 64);
	}
	m.regs.rcx = MSR_KVM_STEAL_TIME;
	m.regs.rax = 2;
	machine_do(&m, fault_wrmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	m.regs.rax = 0x40;
	machine_do(&m, fault_wrmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
}

/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID: for a guest without the feature there is no such MSR. */
static void steal_enforced(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};
	struct cpuid_table *t = check_pages(sizeof(*t));
	struct machine m;
	u64 value;

	need_steal_time();
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_ENABLE_CAP, &cap), 0);
	machine_guest_cpuid(t);
	machine_cpuid(t, KVM_CPUID_FEATURES, 0)->eax &= ~(1u << KVM_FEATURE_STEAL_TIME);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, t), 0);
	m.regs.rcx = MSR_KVM_STEAL_TIME;
	machine_do(&m, fault_rdmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 1);
	machine_do(&m, fault_wrmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 2);
	machine_cpuid(t, KVM_CPUID_FEATURES, 0)->eax |= 1u << KVM_FEATURE_STEAL_TIME;
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_ENABLE_CAP, &cap), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_CPUID2, t), 0);
	CHECK_RESULT(get_msr(m.vcpu, MSR_KVM_STEAL_TIME, &value), 1);
	m.regs.rcx = MSR_KVM_STEAL_TIME;
	machine_do(&m, fault_wrmsr);
	CHECK_EQUAL(machine_u64(&m, GPA_VARS + VAR_FAULTS), 0);
}

/* A machine with `pages` at GPA_EXTRA, and steal time told at STEAL_GPA from the next run on. */
static struct kvm_steal_time *open_with_page(struct machine *m, u32 flags, u8 **extra)
{
	*extra = check_pages(2 * PAGE_SIZE);
	need_steal_time();
	machine_open(m, MODE_LONG, 0);
	CHECK_RESULT(machine_slot(m->vm, 5, flags, GPA_EXTRA, 2 * PAGE_SIZE, *extra), 0);
	machine_set_msr(m, MSR_KVM_STEAL_TIME, STEAL_GPA | KVM_MSR_ENABLED);
	return page_of(*extra);
}

static void steal_contents(void)
{
	struct machine m;
	u8 *extra;
	struct kvm_steal_time *s = open_with_page(&m, 0, &extra);

	*s = (struct kvm_steal_time){
		.steal = 1ull << 40, .version = 7, .flags = 0x55, .preempted = 1, .pad = {1}};
	CHECK_EQUAL(s->version, 7); /* not before the vCPU runs */
	machine_do(&m, long_done);
	CHECK_EQUAL(s->version % 2, 0);
	CHECK(s->version > 8);
	CHECK(s->steal >= 1ull << 40);
	if (target_is_kvm0) /* Linux counts from the thread's first moment */
		CHECK_EQUAL(s->steal, 1ull << 40);
	CHECK_EQUAL(s->preempted, 0); /* nor while user space has it */
	CHECK_EQUAL(s->flags, 0x55);
	CHECK_EQUAL(s->pad[0], 1);
	for (u32 i = 0; i < PAGE_SIZE; i++)
		CHECK_EQUAL(extra[i], 0);
	machine_set_msr(&m, MSR_KVM_STEAL_TIME, STEAL_GPA);
	*s = (struct kvm_steal_time){.preempted = 1};
	machine_do(&m, long_done);
	CHECK_EQUAL(s->preempted, 1);
	CHECK_EQUAL(s->version, 0);
}

/* Memory that is not there, or cannot be written to: nothing is told, and the guest runs on. */
static void steal_page_gone(void)
{
	struct machine m;
	u8 *extra;
	struct kvm_steal_time *s = open_with_page(&m, 0, &extra);

	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, extra), 0);
	machine_do(&m, long_done);
	CHECK_EQUAL(s->version, 0);
	CHECK_RESULT(machine_slot(m.vm, 5, KVM_MEM_READONLY, GPA_EXTRA, 2 * PAGE_SIZE, extra), 0);
	s->preempted = 1;
	machine_set_msr(&m, MSR_KVM_STEAL_TIME, STEAL_GPA | KVM_MSR_ENABLED);
	machine_do(&m, long_done);
	CHECK_EQUAL(s->version, 0);
	CHECK_EQUAL(s->preempted, 1);
}

static void steal_logged(void)
{
	u64 bits = 0;
	struct kvm_dirty_log log = {.slot = 5, .dirty_bitmap = &bits};
	struct machine m;
	u8 *extra;

	open_with_page(&m, KVM_MEM_LOG_DIRTY_PAGES, &extra);
	machine_do(&m, long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits, 2);
}

/* The page at VIEW is another one after the first load: seen because of the flush. */
static void steal_tlb_flush(void)
{
	u64 entry = GPA_PD + VIEW / SIZE_2M * 8;
	struct kvm_steal_time *s;
	struct machine m;
	u8 *extra;

	s = open_with_page(&m, 0, &extra);
	extra = check_pages(SIZE_2M);
	CHECK_RESULT(machine_slot(m.vm, 6, 0, GPA_EXTRA + SIZE_2M, SIZE_2M, extra), 0);
	*(u64 *)machine_at(&m, GPA_BUFFER) = 0x1111;
	*(u64 *)(void *)(extra + GPA_BUFFER) = 0x2222;
	*(u64 *)machine_at(&m, entry) = 0x83;
	m.regs.rdi = VIEW + GPA_BUFFER;
	machine_start(&m, pv_load_twice);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(machine_regs(&m).rax, 0x1111);
	*(u64 *)machine_at(&m, entry) = (GPA_EXTRA + SIZE_2M) | 0x83;
	s->preempted = KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB;
	machine_set_msr(&m, MSR_KVM_STEAL_TIME, STEAL_GPA | KVM_MSR_ENABLED);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(s->preempted, 0);
	CHECK_EQUAL(machine_regs(&m).rbx, 0x2222);
}

SUITE(pv_steal, TEST(steal_offered), TEST(steal_msr), TEST(steal_enforced), TEST(steal_contents),
      TEST(steal_page_gone), TEST(steal_logged), TEST(steal_tlb_flush));
