/* SPDX-License-Identifier: MIT */
/* Saving and restoring KVM's state of a VM: what is moved, in which order, and failures. */
/* sources: guest/control/vmm/state.c guest/lib/format.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "guest/control/vmm/state.h"
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"

#define VM     7u
#define VCPU   8u /* and the next one */
#define VCPUS  2u
#define OFFSET (1ull << 60)

/* A request that the two handles know, and the size of its structure. */
static const struct known {
	u64 get, set;
	u32 handle;
	size_t size;
} known[] = {
	{KVM_GET_MP_STATE, KVM_SET_MP_STATE, VCPU, sizeof(struct kvm_mp_state)},
	{KVM_GET_SREGS2, KVM_SET_SREGS2, VCPU, sizeof(struct kvm_sregs2)},
	{KVM_GET_REGS, KVM_SET_REGS, VCPU, sizeof(struct kvm_regs)},
	{KVM_GET_XCRS, KVM_SET_XCRS, VCPU, sizeof(struct kvm_xcrs)},
	{KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, VCPU, sizeof(struct kvm_debugregs)},
	{KVM_GET_LAPIC, KVM_SET_LAPIC, VCPU, sizeof(struct kvm_lapic_state)},
	{KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, VCPU, sizeof(struct kvm_vcpu_events)},
	{KVM_GET_XSAVE2, KVM_SET_XSAVE, VCPU, sizeof(struct kvm_xsave)},
	{KVM_GET_PIT2, KVM_SET_PIT2, VM, sizeof(struct kvm_pit_state2)},
	{KVM_GET_CLOCK, KVM_SET_CLOCK, VM, sizeof(struct kvm_clock_data)},
};

static struct vcpu_state vcpus[VCPUS];
static struct state state = {.count = VCPUS, .vcpus = vcpus};
static const u32 handles[VCPUS] = {VCPU, VCPU + 1};
static u64 calls[128], failing;
static u32 call_count;
static u64 offset_set[VCPUS];
static s64 xsave_size;
static u32 refused; /* an MSR */

/* Each structure of each object is filled with a byte of its own. */
static u8 pattern(const struct known *k, u32 handle)
{
	return (u8)((k - known + 1) * 10 + handle);
}

static s64 simple(const struct known *k, u64 request, u32 handle, u8 *at)
{
	if (request == k->get) {
		memset(at, pattern(k, handle), k->size);
		return 0;
	}
	for (size_t i = 0; i < k->size; i++) {
		bool flags = request == KVM_SET_CLOCK &&
			     i - offsetof(struct kvm_clock_data, flags) < sizeof(u32);
		assert_int_equal(at[i], flags ? 0 : pattern(k, handle));
	}
	return 0;
}

static s64 msrs(u64 request, struct kvm_msrs *m)
{
	assert_true(m->nmsrs <= 2);
	for (u32 i = 0; i < m->nmsrs; i++) {
		u32 index = m->entries[i].index;
		assert_true(index == 0x11 || index == 0x6e0);
		if (index == refused)
			return i;
		if (request == KVM_GET_MSRS)
			m->entries[i].data = index * 3ull;
		assert_int_equal(m->entries[i].data, index * 3ull);
	}
	return m->nmsrs;
}

static s64 msr_list(struct kvm_msr_list *list)
{
	assert_true(list->nmsrs >= 3);
	list->nmsrs = 3;
	list->indices[0] = 0x11;
	list->indices[1] = 0x10; /* the TSC, which is not moved as an MSR */
	list->indices[2] = 0x6e0;
	return 0;
}

static s64 cpuid2(u64 request, struct kvm_cpuid2 *c)
{
	if (request == KVM_GET_CPUID2)
		c->nent = 5;
	assert_int_equal(c->nent, 5);
	return 0;
}

static s64 irqchip(u64 request, struct kvm_irqchip *c)
{
	u8 *bytes = (u8 *)&c->chip;

	assert_true(c->chip_id < STATE_IRQCHIPS);
	if (request == KVM_GET_IRQCHIP)
		memset(bytes, (int)c->chip_id + 100, sizeof(c->chip));
	assert_int_equal(bytes[sizeof(c->chip) - 1], c->chip_id + 100);
	return 0;
}

static s64 offset(u64 request, u32 vcpu, const struct kvm_device_attr *attr)
{
	assert_int_equal(attr->group, KVM_VCPU_TSC_CTRL);
	assert_int_equal(attr->attr, KVM_VCPU_TSC_OFFSET);
	if (request == KVM_GET_DEVICE_ATTR)
		*(u64 *)ptr(attr->addr) = OFFSET + vcpu * 1000;
	else
		offset_set[vcpu] = *(u64 *)ptr(attr->addr);
	return 0;
}

s64 kvm0_ioctl(u32 handle, u64 request, u64 arg)
{
	calls[call_count++] = request;
	if (request == failing)
		return -EPERM;
	for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
		if (request != known[i].get && request != known[i].set)
			continue;
		assert_true(handle == known[i].handle ||
			    (handle == VCPU + 1 && known[i].handle == VCPU));
		return simple(&known[i], request, handle, ptr(arg));
	}
	switch (request) {
	case KVM_CHECK_EXTENSION:
		assert_int_equal(arg, KVM_CAP_XSAVE2);
		return xsave_size;
	case KVM_GET_TSC_KHZ:
		return 20000;
	case KVM_KVMCLOCK_CTRL:
		assert_in_range(handle, VCPU, VCPU + 1);
		return -EINVAL; /* this guest has no kvmclock */
	case KVM_SET_TSC_KHZ:
		assert_int_equal(arg, 20000);
		return 0;
	case KVM_GET_MSR_INDEX_LIST:
		assert_int_equal(handle, 0);
		return msr_list(ptr(arg));
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return msrs(request, ptr(arg));
	case KVM_GET_CPUID2:
	case KVM_SET_CPUID2:
		return cpuid2(request, ptr(arg));
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		assert_int_equal(handle, VM);
		return irqchip(request, ptr(arg));
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		assert_in_range(handle, VCPU, VCPU + 1);
		return offset(request, handle - VCPU, ptr(arg));
	default:
		fail_msg("request %llx", request);
	}
	return -ENOTTY;
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	return kvm0_ioctl(handle, request, addr(arg));
}

static int setup(void **unused)
{
	(void)unused;
	memset(vcpus, 0xee, sizeof(vcpus));
	call_count = 0;
	failing = 0;
	xsave_size = 4096;
	refused = 0;
	return 0;
}

static u32 last_place(u64 request)
{
	for (u32 i = call_count; i-- > 0;)
		if (calls[i] == request)
			return i;
	fail_msg("no request %llx", request);
	return 0;
}

static u32 place(u64 request)
{
	for (u32 i = 0; i < call_count; i++)
		if (calls[i] == request)
			return i;
	fail_msg("no request %llx", request);
	return 0;
}

static void get(void)
{
	const char *step = "";

	assert_true(state_get(&state, VM, handles, &step) >= 0);
	call_count = 0;
}

static void test_round_trip(void **unused)
{
	const char *step = "";

	(void)unused;
	get();
	u64 before = rdtsc();
	assert_true(state_set(&state, VM, handles, &step) >= 0);
	/* The guest's TSC is at what it was, plus what has passed since it was set. */
	u64 passed = rdtsc() + offset_set[0] - (state.taken_at + OFFSET);
	assert_true(passed <= rdtsc() - before);
	assert_int_equal(offset_set[1] - offset_set[0], 1000);
}

static void test_order_of_setting(void **unused)
{
	const u64 order[][2] = {
		{KVM_SET_CPUID2, KVM_SET_SREGS2},        {KVM_SET_CPUID2, KVM_SET_MSRS},
		{KVM_SET_CPUID2, KVM_SET_XSAVE},         {KVM_SET_TSC_KHZ, KVM_SET_DEVICE_ATTR},
		{KVM_SET_SREGS2, KVM_SET_LAPIC},         {KVM_SET_SREGS2, KVM_SET_MSRS},
		{KVM_SET_LAPIC, KVM_SET_MSRS},           {KVM_SET_DEVICE_ATTR, KVM_SET_MSRS},
		{KVM_SET_LAPIC, KVM_SET_IRQCHIP},        {KVM_SET_MSRS, KVM_SET_VCPU_EVENTS},
		{KVM_SET_REGS, KVM_SET_VCPU_EVENTS},     {KVM_SET_LAPIC, KVM_SET_VCPU_EVENTS},
		{KVM_SET_MP_STATE, KVM_SET_VCPU_EVENTS}, {KVM_SET_MSRS, KVM_SET_CLOCK},
		{KVM_SET_MSRS, KVM_KVMCLOCK_CTRL}};
	const char *step = "";

	(void)unused;
	get();
	assert_true(state_set(&state, VM, handles, &step) >= 0);
	for (u32 i = 0; i < ARRAY_SIZE(order); i++)
		assert_true(place(order[i][0]) < place(order[i][1]));
	/* What can send an event to any vCPU comes behind all of them. */
	assert_true(last_place(KVM_SET_LAPIC) < place(KVM_SET_IRQCHIP));
	assert_true(last_place(KVM_SET_VCPU_EVENTS) < place(KVM_SET_IRQCHIP));
	assert_true(last_place(KVM_SET_VCPU_EVENTS) < place(KVM_SET_PIT2));
}

static void test_reading_starts_with_mp_state(void **unused)
{
	const char *step = "";

	(void)unused;
	assert_true(state_get(&state, VM, handles, &step) >= 0);
	assert_true(place(KVM_GET_MP_STATE) < place(KVM_GET_REGS));
	assert_true(place(KVM_GET_MP_STATE) < place(KVM_GET_LAPIC));
	assert_true(place(KVM_GET_VCPU_EVENTS) > place(KVM_GET_LAPIC));
}

static void test_every_failure_is_told(void **unused)
{
	u64 all[ARRAY_SIZE(calls)];
	u32 count;
	const char *step;

	(void)unused;
	assert_true(state_get(&state, VM, handles, &step) >= 0);
	count = call_count;
	memcpy(all, calls, sizeof(all));
	for (u32 i = 0; i < count; i++) {
		call_count = 0;
		failing = all[i];
		step = NULL;
		assert_int_equal(state_get(&state, VM, handles, &step), -EPERM);
		assert_non_null(step);
	}
	failing = 0;
	get();
	assert_true(state_set(&state, VM, handles, &step) >= 0);
	count = call_count;
	memcpy(all, calls, sizeof(all));
	for (u32 i = 0; i < count; i++) {
		call_count = 0;
		failing = all[i];
		step = NULL;
		assert_int_equal(state_set(&state, VM, handles, &step), -EPERM);
		assert_non_null(step);
	}
}

static void test_msr_that_is_refused(void **unused)
{
	const char *step = "";

	(void)unused;
	get();
	assert_int_equal(vcpus[0].msrs.head.nmsrs, 2);
	refused = 0x6e0;
	assert_int_equal(state_set(&state, VM, handles, &step), -EIO);
	assert_string_equal(step, "MSR 0x6e0");
	/* One that this vCPU has not is no state of it. */
	refused = 0x11;
	get();
	assert_int_equal(vcpus[0].msrs.head.nmsrs, 1);
	assert_int_equal(vcpus[0].msrs.entries[0].index, 0x6e0);
	assert_int_equal(vcpus[0].msrs.entries[0].data, 0x6e0 * 3);
	refused = 0x6e0;
	get();
	assert_int_equal(vcpus[0].msrs.head.nmsrs, 1);
	assert_int_equal(vcpus[0].msrs.entries[0].index, 0x11);
}

static void test_xsave_that_is_too_large(void **unused)
{
	const char *step = "";

	(void)unused;
	xsave_size = STATE_XSAVE_MAX + 1;
	assert_int_equal(state_get(&state, VM, handles, &step), -E2BIG);
	assert_string_equal(step, "XSAVE2");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_order_of_setting),
		TEST(test_reading_starts_with_mp_state),
		TEST(test_every_failure_is_told),
		TEST(test_msr_that_is_refused),
		TEST(test_xsave_that_is_too_large),
	};
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
