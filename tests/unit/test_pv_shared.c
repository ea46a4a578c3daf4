/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/pv/steal.c hv/kvm/pv/eoi.c hv/kvm/pv/apf.c hv/kvm/pv/area.c */
/* Paravirtual features in a guest's memory: a page that is there, has gone, or is absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kvm0/abi.h>
#include <linux/errno.h>
#include <string.h>

#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "kvm/mmu.h"
#include "kvm/pv/apf.h"
#include "kvm/pv/area.h"
#include "kvm/pv/eoi.h"
#include "kvm/pv/steal.h"
#include "kvm/vcpu_events.h"

#define AREA   0x10000ull
#define WANTED 0x40000000ull
#define APF_ON (KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)

static struct vm vm;
static struct vcpu vcpu;
static struct irqchip chip;
static union {
	u8 bytes[64];
	struct kvm_steal_time steal;
	struct kvm_vcpu_pv_apf_data apf;
} area;
static int place; /* enum guest_mem_result of each access */
static bool wakes, can_interrupt, mapped, can_wait, is_paging;
static u32 flushes, eois, messages, cpl, woken, ended;

u64 tsc_khz = 1000000; /* a tick is a nanosecond */

/* --- what they need --- */

static int access_memory(gpa_t a, void *to, const void *from, u32 len)
{
	if (place == GUEST_MEM_ABSENT)
		vcpu.wanted = a.v & PAGE_MASK;
	if (place != GUEST_MEM_OK)
		return place;
	assert_true(a.v >= AREA && a.v + len <= AREA + sizeof(area));
	memcpy(to ? to : &area.bytes[a.v - AREA], to ? &area.bytes[a.v - AREA] : from, len);
	return GUEST_MEM_OK;
}

int mmu_read(struct vcpu *c, gpa_t a, void *buf, u32 len)
{
	assert_ptr_equal(c, &vcpu);
	return access_memory(a, buf, NULL, len);
}

int mmu_write(struct vcpu *c, gpa_t a, const void *buf, u32 len)
{
	assert_ptr_equal(c, &vcpu);
	return access_memory(a, NULL, buf, len);
}

int mmu_exchange_byte(struct vcpu *c, gpa_t a, u8 *byte)
{
	u8 new = *byte;
	int r = mmu_read(c, a, byte, 1);

	return r == GUEST_MEM_OK ? mmu_write(c, a, &new, 1) : r;
}

static int read_gpa(void *ctx, gpa_t a, void *buf, u32 len)
{
	return mmu_read(ctx, a, buf, len);
}

static int write_gpa(void *ctx, gpa_t a, const void *buf, u32 len)
{
	return mmu_write(ctx, a, buf, len);
}

struct guest_mem mmu_guest_mem(struct vcpu *c)
{
	return (struct guest_mem){.read_gpa = read_gpa, .write_gpa = write_gpa, .ctx = c};
}

bool mmu_is_writable(struct vcpu *c, gpa_t a)
{
	assert_ptr_equal(c, &vcpu);
	return (a.v & ~0xfffull) == AREA;
}

bool pv_allows(const struct vcpu *c, u32 feature)
{
	return !c->pv.enforce || c->pv.features >> feature & 1;
}

void vmx_flush_tlb(const struct vmx_vcpu *v)
{
	assert_ptr_equal(v, &vcpu.vmx);
	flushes++;
}

void vcpu_update_injection(struct vcpu *c)
{
	c->injection = pv_eoi_is_used(c) ? INJECT_AND_TELL : INJECT_FROM_CHIP;
}

bool lapic_eoi_can_wait(struct lapic *l)
{
	assert_ptr_equal(l, &vcpu.lapic);
	return can_wait;
}

void lapic_eoi(struct lapic *l, u64 now)
{
	assert_true(l == &vcpu.lapic && now);
	eois++;
}

int lapic_highest_irr(struct lapic *l)
{
	return l->highest_irr;
}

bool lapic_accept_message(struct lapic *l, const struct apic_message *m)
{
	assert_true(l == &vcpu.lapic && m->vector == 0xf3 && m->delivery == APIC_FIXED);
	messages++;
	return true;
}

void vm_deliver(struct vm *v)
{
	(void)v;
}

bool wake_any(void)
{
	return wakes;
}

void run_end_wait(struct vcpu *c)
{
	c->mp_state = KVM_MP_STATE_RUNNABLE;
	ended++;
}

void vcpu_wake(struct vcpu *c)
{
	assert_ptr_equal(c, &vcpu);
	woken++;
}

void vcpu_set_pending_exception(struct vcpu *c, const struct pending_exception *e)
{
	c->exception = *e;
}

u64 vmx_cr0(void)
{
	return is_paging ? CR0_PG : 0;
}

u32 vmx_cpl(void)
{
	return cpl;
}

bool vmx_can_interrupt(const struct vmx_vcpu *v)
{
	(void)v;
	return can_interrupt;
}

bool ept_find(const struct ept *e, gpa_t a, struct ept_leaf *leaf)
{
	static u64 entry = EPT_READ;

	assert_true(e == &vm.ept && a.v >= WANTED);
	leaf->entry = &entry;
	return mapped;
}

/* --- */

static int setup(void **state)
{
	static u32 regs[1024];

	(void)state;
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&area, 0, sizeof(area));
	vcpu.vm = &vm;
	vcpu.id = 5;
	vcpu.interrupt = -1;
	vcpu.lapic.regs = regs;
	vcpu.lapic.base = LAPIC_BASE_ENABLE;
	vcpu.lapic.highest_isr = vcpu.lapic.highest_irr = -1;
	regs[LAPIC_SVR / 4] = LAPIC_SVR_ENABLE;
	vm.chip = &chip;
	vm.vcpus[0] = &vcpu;
	vm.vcpu_count = 1;
	place = GUEST_MEM_OK;
	can_interrupt = is_paging = true;
	mapped = can_wait = false;
	flushes = eois = messages = cpl = woken = ended = 0;
	return 0;
}

static u32 asked(void)
{
	u32 requests = vcpu.requests;

	vcpu.requests = 0;
	return requests;
}

/* --- steal time --- */

static void steal_on(void)
{
	assert_int_equal(pv_steal_set(&vcpu, AREA | 1), 0);
	assert_int_equal(asked(), VCPU_STEAL_TIME);
	assert_true(pv_steal_update(&vcpu));
	assert_int_equal(area.steal.version, 2);
	assert_int_equal(area.steal.steal, 0);
}

/* The next update tells of @least ns at least, and clears the flag. */
static void expect_stolen(u64 least)
{
	u64 before = area.steal.steal;
	u32 version = area.steal.version;

	assert_int_equal(asked(), VCPU_STEAL_TIME);
	assert_true(pv_steal_update(&vcpu));
	assert_true(area.steal.steal - before >= least);
	assert_int_equal(area.steal.version, version + 2);
	assert_int_equal(area.steal.preempted, 0);
}

static void wait_ticks(u64 ticks)
{
	for (u64 start = rdtsc(); rdtsc() - start < ticks;)
		;
}

static void test_steal_set(void **state)
{
	(void)state;
	for (u32 bit = 1; bit < 6; bit++)
		assert_int_equal(pv_steal_set(&vcpu, AREA | 1 | 1u << bit), -EINVAL);
	assert_int_equal(vcpu.pv.steal.msr, 0);
	assert_int_equal(pv_steal_set(&vcpu, AREA), 0);
	assert_int_equal(asked(), 0);
	area.steal.version = ~0u;
	assert_int_equal(pv_steal_set(&vcpu, AREA | 1), 0);
	assert_true(pv_steal_update(&vcpu));
	assert_int_equal(area.steal.version, 2); /* from garbage too it is even at the end */
}

static void test_steal_preempted(void **state)
{
	(void)state;
	steal_on();
	pv_steal_end_run(&vcpu, GO_AGAIN, IRQ_NEVER);
	assert_int_equal(area.steal.preempted, KVM_VCPU_PREEMPTED);
	wait_ticks(1000);
	expect_stolen(1000);
	assert_int_equal(flushes, 0);
	/* Two runs of which the first does not reach the guest. */
	pv_steal_end_run(&vcpu, GO_AGAIN, IRQ_NEVER);
	wait_ticks(1000);
	pv_steal_end_run(&vcpu, GO_SIGNAL, IRQ_NEVER);
	expect_stolen(1000);
	/* The VMM's work for it is not stolen, nor is the flag set in the midst of an instruction.
	 */
	pv_steal_end_run(&vcpu, TO_USER, IRQ_NEVER);
	assert_int_equal(asked(), 0);
	vcpu.completion = COMPLETE_EMULATION;
	pv_steal_end_run(&vcpu, GO_AGAIN, IRQ_NEVER);
	assert_int_equal(area.steal.preempted, 0);
	assert_int_equal(asked(), 0);
}

static void test_steal_blocked(void **state)
{
	(void)state;
	steal_on();
	/* Nobody has woken it, and its deadline has not come. */
	vcpu.pv.steal.woken = rdtsc();
	vcpu.pv.steal.blocked_at = rdtsc() + 1;
	pv_steal_end_run(&vcpu, GO_BLOCKED, IRQ_NEVER);
	assert_int_equal(area.steal.preempted, 0);
	assert_int_equal(asked(), 0);
	assert_true(pv_steal_update(&vcpu));
	assert_int_equal(area.steal.version, 2);
	/* The deadline has come; somebody has woken it. */
	pv_steal_end_run(&vcpu, GO_BLOCKED, rdtsc());
	wait_ticks(1000);
	pv_steal_go_on(&vcpu);
	expect_stolen(1000);
	vcpu.pv.steal.blocked_at = rdtsc();
	pv_steal_end_run(&vcpu, GO_BLOCKED, IRQ_NEVER);
	vcpu.pv.steal.woken = rdtsc();
	wait_ticks(1000);
	pv_steal_go_on(&vcpu);
	expect_stolen(1000);
}

static void test_steal_flush(void **state)
{
	(void)state;
	steal_on();
	pv_steal_end_run(&vcpu, GO_AGAIN, IRQ_NEVER);
	area.steal.preempted |= KVM_VCPU_FLUSH_TLB;
	expect_stolen(0);
	assert_int_equal(flushes, 1);
	vcpu.pv.enforce = true; /* and its CPUID lacks the feature */
	pv_steal_end_run(&vcpu, GO_AGAIN, IRQ_NEVER);
	area.steal.preempted |= KVM_VCPU_FLUSH_TLB;
	expect_stolen(0);
	assert_int_equal(flushes, 1);
}

/* What cannot be told is owed, and the vCPU waits for a page that can be supplied. */
static void test_steal_memory(void **state)
{
	(void)state;
	steal_on();
	place = GUEST_MEM_ABSENT;
	pv_steal_end_run(&vcpu, GO_AGAIN, IRQ_NEVER);
	wait_ticks(1000);
	assert_int_equal(asked(), VCPU_STEAL_TIME);
	assert_false(pv_steal_update(&vcpu));
	place = EMU_MMIO;
	assert_true(pv_steal_update(&vcpu));
	assert_int_equal(area.steal.version, 2);
	place = GUEST_MEM_OK;
	vcpu_ask(&vcpu, VCPU_STEAL_TIME);
	expect_stolen(1000);
}

/* --- end of interrupt --- */

static void eoi_on(void)
{
	assert_int_equal(pv_eoi_set(&vcpu, AREA | 1), 0);
	vcpu.lapic.highest_isr = 0x40;
	can_wait = true;
	pv_eoi_offer(&vcpu);
	assert_int_equal(area.bytes[0], 1);
	assert_false(pv_eoi_is_stale(&vcpu));
}

static void test_eoi_set(void **state)
{
	(void)state;
	assert_int_equal(pv_eoi_set(&vcpu, AREA | 3), -EINVAL);
	assert_int_equal(pv_eoi_set(&vcpu, AREA | 2), -EINVAL);
	assert_int_equal(pv_eoi_set(&vcpu, WANTED | 1), -EINVAL);
	assert_int_equal(pv_eoi_set(&vcpu, WANTED), 0);
	pv_eoi_offer(&vcpu);
	assert_false(vcpu.pv.eoi.offered);
}

static void test_eoi_by_bit(void **state)
{
	(void)state;
	eoi_on();
	pv_eoi_after_exit(&vcpu, false); /* not ended yet */
	assert_int_equal(area.bytes[0], 0);
	assert_int_equal(eois, 0);
	assert_int_equal(asked(), VCPU_PV_EOI);
	pv_eoi_offer(&vcpu);
	area.bytes[0] = 0; /* the guest's EOI */
	vcpu.lapic.highest_isr = -1;
	pv_eoi_after_exit(&vcpu, false);
	assert_int_equal(eois, 1);
	assert_int_equal(asked(), 0);
	pv_eoi_after_exit(&vcpu, true);
	assert_int_equal(eois, 1);
	assert_int_equal(asked(), VCPU_PV_EOI);
	can_wait = false;
	pv_eoi_offer(&vcpu);
	assert_int_equal(area.bytes[0], 0);
}

static void test_eoi_stale(void **state)
{
	(void)state;
	eoi_on();
	can_wait = false; /* another one has come */
	assert_true(pv_eoi_is_stale(&vcpu));
	pv_eoi_end_run(&vcpu, false);
	assert_int_equal(area.bytes[0], 0);
	assert_int_equal(eois, 0);
	assert_false(pv_eoi_is_stale(&vcpu));
}

/* The page with the bit has gone while the run ends for another page, of which the guest was told.
 */
static void test_eoi_wants_nothing(void **state)
{
	(void)state;
	eoi_on();
	vcpu.wanted = WANTED | KVM0_WANTED_ASYNC;
	place = GUEST_MEM_ABSENT;
	pv_eoi_end_run(&vcpu, false);
	assert_int_equal(asked(), VCPU_PV_EOI);
	assert_int_equal(vcpu.wanted, WANTED | KVM0_WANTED_ASYNC);
}

/* Somebody waits for that end: the run is to end, and not just when it does for something else. */
static void test_eoi_wakes(void **state)
{
	(void)state;
	eoi_on();
	(void)asked();
	area.bytes[0] = 0;
	chip.bus.wake = wakes = true;
	assert_true(pv_eoi_settle(&vcpu));
	assert_int_equal(eois, 1);
	assert_int_equal(asked(), VCPU_PV_EOI);
	wakes = false;
	chip.bus.wake = 0;
}

static void test_eoi_memory(void **state)
{
	(void)state;
	eoi_on();
	area.bytes[0] = 0;
	place = GUEST_MEM_ABSENT;
	pv_eoi_after_exit(&vcpu, false);
	assert_int_equal(asked(), VCPU_PV_EOI);
	assert_false(pv_eoi_settle(&vcpu));
	assert_int_equal(pv_eoi_set(&vcpu, 0), 0); /* it is still to be looked at */
	assert_true(pv_eoi_is_used(&vcpu));
	place = GUEST_MEM_OK;
	assert_true(pv_eoi_settle(&vcpu));
	assert_int_equal(eois, 1);
	eoi_on();
	place = EMU_MMIO;
	assert_true(pv_eoi_settle(&vcpu));
	assert_int_equal(eois, 2);
}

/* --- asynchronous page faults --- */

static void apf_on(void)
{
	assert_int_equal(pv_apf_set_vector(&vcpu, 0xf3), 0);
	assert_int_equal(pv_apf_set(&vcpu, AREA | APF_ON | KVM_ASYNC_PF_SEND_ALWAYS), 0);
	assert_int_equal(asked(), VCPU_APF_READY);
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(area.apf.token, ~0u);
	assert_int_equal(messages, 1);
	area.apf.token = 0;
}

/* The guest touches that page: the token that it is told, or 0. */
static u64 touch(u64 wanted)
{
	vcpu.exception.pending = false;
	vcpu.wanted = wanted;
	pv_apf_tell(&vcpu);
	assert_int_equal(vcpu.wanted & ~KVM0_WANTED_ASYNC, wanted);
	assert_int_equal(!!(vcpu.wanted & KVM0_WANTED_ASYNC), vcpu.exception.pending);
	if (!vcpu.exception.pending)
		return 0;
	assert_int_equal(vcpu.exception.vector, VECTOR_PF);
	assert_int_equal(vcpu.exception.error, 0);
	assert_int_equal(area.apf.flags, KVM_PV_REASON_PAGE_NOT_PRESENT);
	area.apf.flags = 0;
	vcpu.exception.pending = false;
	return vcpu.exception.payload;
}

static void supplied(u64 a, u32 pages, bool writable)
{
	pv_apf_supplied(&vm, a, pages * PAGE_SIZE, writable);
}

static void test_apf_set(void **state)
{
	(void)state;
	assert_int_equal(pv_apf_set(&vcpu, AREA | APF_ON | 0x10), -EINVAL);
	assert_int_equal(pv_apf_set(&vcpu, AREA | APF_ON | 0x20), -EINVAL);
	assert_int_equal(pv_apf_set(&vcpu, WANTED | APF_ON), -EINVAL);
	assert_int_equal(pv_apf_set(&vcpu, WANTED | 1), 0);
	assert_int_equal(pv_apf_set_vector(&vcpu, 0x100), -EINVAL);
	vcpu.pv.enforce = true;
	assert_int_equal(pv_apf_set(&vcpu, AREA | APF_ON), -EINVAL);
	assert_int_equal(pv_apf_set(&vcpu, AREA | 5), -EINVAL);
	vm.chip = NULL;
	assert_int_equal(pv_apf_set(&vcpu, AREA | 1), -EINVAL);
	assert_int_equal(pv_apf_set(&vcpu, 0), 0);
	assert_int_equal(pv_apf_set_vector(&vcpu, 0), -EINVAL);
}

static void test_apf_ready(void **state)
{
	u64 first, second;

	(void)state;
	apf_on();
	vcpu.mp_state = KVM_MP_STATE_HALTED;
	first = touch(WANTED);
	second = touch((WANTED + PAGE_SIZE) | KVM0_WANTED_WRITE);
	assert_true(first && second && first != second);
	assert_int_equal(first & 0xfff, vcpu.id);
	assert_int_equal(touch(WANTED), 0); /* it waits for that one already */
	supplied(WANTED + PAGE_SIZE, 1, false);
	supplied(WANTED + 2 * PAGE_SIZE, 5, true);
	assert_int_equal(woken, 0);
	supplied(WANTED, 2, true);
	assert_int_equal(woken, 1);
	assert_int_equal(asked(), VCPU_APF_READY);
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(area.apf.token, first);
	assert_int_equal(vcpu.mp_state, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(ended, 1);         /* it is not polled for either */
	assert_true(pv_apf_deliver(&vcpu)); /* the guest has not taken it */
	assert_int_equal(area.apf.token, first);
	area.apf.token = 0;
	assert_int_equal(pv_apf_ack(&vcpu, 2), 0);
	assert_int_equal(asked(), 0);
	assert_int_equal(pv_apf_ack(&vcpu, 1), 0);
	assert_int_equal(asked(), VCPU_APF_READY);
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(area.apf.token, second);
	assert_int_equal(messages, 3);
	area.apf.token = 0;
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(area.apf.token, 0);
	assert_int_equal(vcpu.pv.apf.count, 0);
}

static void test_apf_not_told(void **state)
{
	(void)state;
	assert_int_equal(touch(WANTED), 0);
	apf_on();
	can_interrupt = false;
	assert_int_equal(touch(WANTED), 0);
	can_interrupt = true;
	is_paging = false;
	assert_int_equal(touch(WANTED), 0);
	is_paging = true;
	mapped = true; /* supplied meanwhile, to be read only */
	assert_int_equal(touch(WANTED), 0);
	assert_int_not_equal(touch(WANTED | KVM0_WANTED_WRITE), 0);
	mapped = false;
	place = GUEST_MEM_ABSENT;
	assert_int_equal(touch(WANTED + PAGE_SIZE), 0);
	place = GUEST_MEM_OK;
	vcpu.pv.apf.msr &= ~(u64)KVM_ASYNC_PF_SEND_ALWAYS;
	assert_int_equal(touch(WANTED + PAGE_SIZE), 0);
	cpl = 3;
	assert_int_not_equal(touch(WANTED + PAGE_SIZE), 0);
	vcpu.interrupt = 0x31;
	assert_int_equal(touch(WANTED + 2 * PAGE_SIZE), 0);
}

static void test_apf_limit(void **state)
{
	(void)state;
	apf_on();
	vcpu.pv.apf.id = 0xffffffff; /* a token is never 0 */
	for (u64 i = 0; i < PV_APF_MAX; i++)
		assert_int_not_equal(touch(WANTED + i * PAGE_SIZE) >> 12, 0);
	assert_int_equal(touch(WANTED + PV_APF_MAX * PAGE_SIZE), 0);
	supplied(WANTED + 63 * PAGE_SIZE, 1, false);
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(vcpu.pv.apf.count, PV_APF_MAX - 1);
	assert_int_not_equal(touch(WANTED + PV_APF_MAX * PAGE_SIZE), 0);
	/* Turned off: forgotten, and nothing comes. */
	area.apf.token = 0;
	supplied(WANTED, 1, false);
	assert_int_equal(pv_apf_set(&vcpu, AREA), 0);
	assert_int_equal(vcpu.pv.apf.count, 0);
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(area.apf.token, 0);
}

static void test_apf_memory(void **state)
{
	(void)state;
	apf_on();
	assert_int_not_equal(touch(WANTED), 0);
	supplied(WANTED, 1, false);
	vcpu.lapic.base = 0; /* who has no local APIC cannot be told */
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(area.apf.token, 0);
	vcpu.lapic.base = LAPIC_BASE_ENABLE;
	place = GUEST_MEM_ABSENT;
	assert_false(pv_apf_deliver(&vcpu));
	place = EMU_MMIO;
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_equal(vcpu.pv.apf.count, 1);
	place = GUEST_MEM_OK;
	assert_true(pv_apf_deliver(&vcpu));
	assert_int_not_equal(area.apf.token, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_steal_set),   TEST(test_steal_preempted),   TEST(test_steal_blocked),
		TEST(test_steal_flush), TEST(test_steal_memory),      TEST(test_eoi_set),
		TEST(test_eoi_by_bit),  TEST(test_eoi_stale),         TEST(test_eoi_memory),
		TEST(test_eoi_by_bit),  TEST(test_eoi_wants_nothing), TEST(test_eoi_memory),
		TEST(test_eoi_by_bit),  TEST(test_eoi_wakes),         TEST(test_eoi_memory),
		TEST(test_apf_set),     TEST(test_apf_ready),         TEST(test_apf_not_told),
		TEST(test_apf_limit),   TEST(test_apf_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
