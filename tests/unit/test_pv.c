/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/pv/pv.c hv/kvm/pv/area.c */
/* Which of KVM's features a guest has, by its CPUID; and memory that it has named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <string.h>

#include "kvm/mmu.h"
#include "kvm/pv/area.h"
#include "kvm/vcpu.h"

static struct vm vm;
static struct vcpu vcpu;
static struct kvm_cpuid_entry2 entries[8];
static u32 count;

/* --- what area.c needs --- */

/* One slot, of three pages from 0x10000 on, the last of which is absent. */
#define SLOT_BASE  0x10000ull
#define SLOT_PAGES 3u
#define ABSENT     (SLOT_BASE + 2 * PAGE_SIZE)

static u8 memory[SLOT_PAGES * PAGE_SIZE];

static bool in_slot(u64 a)
{
	return a >= SLOT_BASE && a < SLOT_BASE + sizeof(memory);
}

static int access_memory(u64 a, void *to, const void *from, u32 len)
{
	assert_int_equal(a / PAGE_SIZE, (a + len - 1) / PAGE_SIZE);
	if (!in_slot(a))
		return EMU_MMIO;
	if (a >= ABSENT)
		return GUEST_MEM_ABSENT;
	memcpy(to ? to : &memory[a - SLOT_BASE], to ? &memory[a - SLOT_BASE] : from, len);
	return GUEST_MEM_OK;
}

int mmu_read(struct vcpu *c, gpa_t a, void *buf, u32 len)
{
	assert_ptr_equal(c, &vcpu);
	return access_memory(a.v, buf, NULL, len);
}

int mmu_write(struct vcpu *c, gpa_t a, const void *buf, u32 len)
{
	assert_ptr_equal(c, &vcpu);
	return access_memory(a.v, NULL, buf, len);
}

/* --- */

static int setup(void **state)
{
	(void)state;
	count = 0;
	memset(memory, 0, sizeof(memory));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.vm = &vm;
	pv_init_vcpu(&vcpu);
	return 0;
}

static void add(u32 leaf, u32 eax, const char *signature)
{
	struct kvm_cpuid_entry2 *e = &entries[count++];

	*e = (struct kvm_cpuid_entry2){.function = leaf, .eax = eax};
	memcpy(&e->ebx, signature, 4);
	memcpy(&e->ecx, signature + 4, 4);
	memcpy(&e->edx, signature + 8, 4);
}

static u32 features(void)
{
	vcpu.cpuid.entries = entries;
	vcpu.cpuid.count = count;
	pv_set_cpuid(&vcpu);
	return vcpu.pv.features;
}

#define KVM   KVM_SIGNATURE
#define OTHER "another one "

static void test_base(void **state)
{
	(void)state;
	assert_int_equal(features(), 0);
	add(0x40000001, 0x55, OTHER);
	assert_int_equal(features(), 0); /* a leaf of features alone */
	add(0x40000000, 0, OTHER);
	assert_int_equal(features(), 0);
	add(0x40001200, 0, KVM);
	assert_int_equal(features(), 0); /* a signature alone */
	add(0x40001201, 0x66, OTHER);
	assert_int_equal(features(), 0x66);
	add(0x40000300, 0, KVM); /* the first one counts */
	add(0x40000301, 0x77, OTHER);
	assert_int_equal(features(), 0x77);
	entries[1].ebx = entries[2].ebx;
	entries[1].ecx = entries[2].ecx;
	entries[1].edx = entries[2].edx;
	assert_int_equal(features(), 0x55);
}

static void test_base_range(void **state)
{
	(void)state;
	add(0x40000080, 0, KVM);
	add(0x40000081, 1, OTHER);
	add(0x40010000, 0, KVM);
	add(0x40010001, 2, OTHER);
	assert_int_equal(features(), 0);
	add(0x4000ff00, 0, KVM);
	add(0x4000ff01, 4, OTHER);
	assert_int_equal(features(), 4);
	entries[4].edx ^= 0x01000000; /* the signature's last byte */
	assert_int_equal(features(), 0);
}

/* Where HLT does not exit, no kick can end it. */
static void test_no_unhalt(void **state)
{
	(void)state;
	add(0x40000100, 0, KVM);
	add(0x40000001, ~0u, OTHER);
	add(0x40000101, ~0u, OTHER);
	vm.exits_off = KVM_X86_DISABLE_EXITS_PAUSE;
	pv_adjust_cpuid(&vcpu, entries, count);
	assert_int_equal(features(), ~0u);
	vm.exits_off = KVM_X86_DISABLE_EXITS_HLT;
	pv_adjust_cpuid(&vcpu, entries, count);
	vm.exits_off = 0;
	assert_int_equal(entries[1].eax, ~0u);
	assert_int_equal(features(), ~(1u << KVM_FEATURE_PV_UNHALT));
}

static void test_allows(void **state)
{
	(void)state;
	assert_int_equal(vcpu.pv.poll_control, 1);
	vcpu.pv.features = 1u << 31 | 1u << 7;
	for (u32 i = 0; i < 32; i++)
		assert_true(pv_allows(&vcpu, i));
	vcpu.pv.enforce = true;
	for (u32 i = 0; i < 32; i++)
		assert_int_equal(pv_allows(&vcpu, i), i == 31 || i == 7);
}

static void test_area_access(void **state)
{
	const u8 data[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct pv_area a = {SLOT_BASE + PAGE_SIZE - 13, 24};
	u8 back[8];

	(void)state;
	assert_int_equal(pv_area_write(&vcpu, &a, 8, data, 8), PV_DONE);
	assert_memory_equal(&memory[PAGE_SIZE - 5], data, 8);
	assert_int_equal(pv_area_read(&vcpu, &a, 8, back, 8), PV_DONE);
	assert_memory_equal(back, data, 8);
	assert_int_equal(pv_area_read(&vcpu, &a, 13, back, 1), PV_DONE);
	assert_int_equal(back[0], 6);
	/* The second part is absent, or nowhere. */
	a = (struct pv_area){ABSENT - 4, 8};
	assert_int_equal(pv_area_write(&vcpu, &a, 0, data, 4), PV_DONE);
	assert_int_equal(pv_area_write(&vcpu, &a, 0, data, 8), PV_ABSENT);
	assert_int_equal(pv_area_read(&vcpu, &a, 0, back, 8), PV_ABSENT);
	a.gpa = SLOT_BASE - 4;
	assert_int_equal(pv_area_read(&vcpu, &a, 0, back, 8), PV_NONE);
	a.gpa = SLOT_BASE + sizeof(memory);
	assert_int_equal(pv_area_write(&vcpu, &a, 0, data, 8), PV_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_base, setup),
		cmocka_unit_test_setup(test_base_range, setup),
		cmocka_unit_test_setup(test_no_unhalt, setup),
		cmocka_unit_test_setup(test_allows, setup),
		cmocka_unit_test_setup(test_area_access, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
