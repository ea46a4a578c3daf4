/* SPDX-License-Identifier: MIT */
/* Virtual CPUs: their life, reset, and being woken or kicked by others. */
#include "kvm/vcpu.h"
#include <linux/errno.h>
#include "core/page.h"
#include "core/spinlock.h"
#include "core/trace.h"
#include "cpu/percpu.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "kvm/debugger.h"
#include "kvm/dirty.h"
#include "kvm/msr.h"
#include "kvm/run.h"
#include "kvm/vcpu_events.h"
#include "kvm/wake.h"
#include "lib/string.h"

/* VPIDs are 16 bits; 0 is the host's and 1 the control guest's (SDM vol. 3, VPIDs). */
#define VPID_FIRST 2u
#define VPID_COUNT 8192u

static struct {
	struct spinlock lock; /* rank 4: guards all of this */
	u64 used[VPID_COUNT / 64];
} vpids;

/* A VPID that nobody uses, or 0. */
static u16 vpid_alloc(void)
{
	u16 found = 0;

	spin_lock(&vpids.lock);
	vpids.used[0] |= BIT(VPID_FIRST) - 1;
	for (u32 i = 0; i < VPID_COUNT / 64 && !found; i++)
		if (~vpids.used[i]) {
			u32 bit = (u32)__builtin_ctzll(~vpids.used[i]);

			vpids.used[i] |= BIT(bit);
			found = (u16)(i * 64 + bit);
		}
	spin_unlock(&vpids.lock);
	return found;
}

static void vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpids.lock);
	vpids.used[vpid / 64] &= ~BIT(vpid % 64);
	spin_unlock(&vpids.lock);
}

static int init_lapic(struct vcpu *c)
{
	struct irqchip *chip = c->vm->chip;

	c->apic_page = page_alloc();
	if (!c->apic_page)
		return -ENOMEM;
	lapic_init(&c->lapic, c->apic_page, &chip->bus, &chip->clock, c->index, c->id,
		   vcpu_is_boot_cpu(c));
	chip->bus.count = c->index + 1;
	vmx_use_tpr_shadow(&c->vmx, virt_to_phys(c->apic_page));
	if (c->vm->apic_access_page)
		vmx_set_apic_access_page(virt_to_phys(c->vm->apic_access_page));
	return 0;
}

int vcpu_set_page(struct vcpu *c, u64 number, void *page)
{
	struct iobus *io = &c->vm->io;

	if (number >= KVM_DIRTY_LOG_PAGE_OFFSET)
		return dirty_ring_set_page(c, number - KVM_DIRTY_LOG_PAGE_OFFSET, page);
	switch (number) {
	case 0:
		c->run = page;
		if (c->io_offset != RUN_IO_PAGE_OFFSET) {
			c->io_data = (u8 *)page + RUN_IO_DATA_OFFSET;
			c->io_offset = RUN_IO_DATA_OFFSET;
		}
		return 0;
	case KVM_PIO_PAGE_OFFSET:
		c->io_data = page;
		c->io_offset = RUN_IO_PAGE_OFFSET;
		return 0;
	case KVM_COALESCED_MMIO_PAGE_OFFSET:
		spin_lock(&io->lock);
		io->ring = page;
		spin_unlock(&io->lock);
		return 0;
	default:
		return -EINVAL;
	}
}

int vcpu_init(struct vcpu *c, struct vm *vm, u32 id, u32 index)
{
	u16 vpid = vpid_alloc();

	c->vm = vm;
	c->id = id;
	c->index = index;
	c->vmx.watch.vm = vm->id;
	c->vmx.watch.index = index;
	c->interrupt = -1;
	c->user_pic = !vm_has_pic(vm);
	c->timer = IRQ_NEVER;
	timer_advance_init(&c->advance);
	c->maxphyaddr = 36; /* what a CPU without leaf 0x80000008 has */
	if (!vpid || vmx_vcpu_init(&c->vmx, false, ept_pointer(&vm->ept), vpid)) {
		vpid_free(vpid);
		return -ENOMEM;
	}
	vmx_disable_exits(&c->vmx, vm->exits_off);
	if (!c->vmx.vpid) /* this machine has none */
		vpid_free(vpid);
	/* The local APIC last: once it is on the bus it stays. */
	if (dirty_ring_init(c) || (vm->chip && init_lapic(c))) {
		vcpu_destroy(c);
		return -ENOMEM;
	}
	vcpu_update_injection(c);
	c->lapic.base_reserved = lapic_base_reserved(c->maxphyaddr, false);
	msr_reset(c);
	pv_init_vcpu(c);
	time_init_vcpu(c);
	c->mp_state = vm->chip && !vcpu_is_boot_cpu(c) ? KVM_MP_STATE_UNINITIALIZED
						       : KVM_MP_STATE_RUNNABLE;
	if (vm->msr_filter)
		vcpu_ask(c, VCPU_MSR_FILTER);
	debugger_apply(&c->vmx, DEBUGGER_NOBODY);
	return 0;
}

void vcpu_destroy(struct vcpu *c)
{
	u16 vpid = c->vmx.vpid;

	vmx_unload(&c->vmx);
	vmx_vcpu_free(&c->vmx);
	vpid_free(vpid);
	page_free(c->apic_page);
	dirty_ring_destroy(c);
	cpuid_destroy(&c->cpuid);
}

void vcpu_init_reset(struct vcpu *c)
{
	vmx_reset_state(&c->vmx);
	if (c->vm->chip)
		lapic_reset(&c->lapic, vcpu_is_boot_cpu(c), true);
	c->vapic.address = 0;
	pv_reset_vcpu(c);
	c->interrupt = -1;
	vcpu_update_injection(c);
	c->exception.pending = false;
	__atomic_store_n(&c->lapic.nmi_pending, 0, __ATOMIC_RELAXED);
	c->completion = COMPLETE_NOTHING;
	emu_io_reset(&c->io);
}

void vcpu_signal(struct vcpu *c, u32 n)
{
	__atomic_fetch_or(&c->signals, BIT(n - 1), __ATOMIC_RELAXED);
	vcpu_ask(c, VCPU_SIGNAL);
	vcpu_wake(c);
}

u64 vcpu_take_signals(struct vcpu *c, u64 set)
{
	return __atomic_fetch_and(&c->signals, ~set, __ATOMIC_ACQ_REL) & set;
}

#define SIGNAL_KILL 9u /* <asm/signal.h>; these two cannot be blocked */
#define SIGNAL_STOP 19u

void vcpu_block_signals(struct vcpu *c, u64 set)
{
	c->signal_mask = set & ~(BIT(SIGNAL_KILL - 1) | BIT(SIGNAL_STOP - 1));
	/* What was blocked until now may be pending: to be looked at. */
	vcpu_ask(c, VCPU_SIGNAL);
}

void vcpu_wake(struct vcpu *c)
{
	if (READ_ONCE(c->lapic.events))
		vcpu_ask(c, VCPU_APIC_EVENTS);
	/* Exchanged, so that one of several wakers reports it. */
	if (READ_ONCE(c->blocked) && __atomic_exchange_n(&c->blocked, 0, __ATOMIC_ACQ_REL)) {
		u32 handle = READ_ONCE(c->handle);

		WRITE_ONCE(c->pv.steal.woken, rdtsc());
		trace(KVM0_TRACE_WAKE, c->vm->id, c->index, 1, 0, 0, 0, 0);
		if (handle) /* else it is closed, and nobody waits for it */
			wake_add(handle);
		return;
	}
	/* Ordered after the event was made pending; pairs with vcpu_run()'s exchange. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (READ_ONCE(c->mode) == VCPU_IN_GUEST && READ_ONCE(c->pcpu) != this_cpu()->index)
		cpu_kick(percpu_by_index[READ_ONCE(c->pcpu)]);
}

void vcpu_stop(struct vcpu *c)
{
	WRITE_ONCE(c->stopped, true);
	vcpu_ask(c, VCPU_STOPPED);
}

void vcpu_resume(struct vcpu *c)
{
	c->vmx.debug_held = false;
	if (c->vmx.debug_hit)
		debugger_apply(&c->vmx, DEBUGGER_NOBODY);
	WRITE_ONCE(c->stopped, false);
}

/* Nothing of what the VM's EPT had before the last change is used there any more. */
static bool is_flushed(const struct vcpu *c)
{
	return READ_ONCE(c->vm->tlb_seen[READ_ONCE(c->pcpu)]) == c->vm->tlb_generation;
}

bool vcpu_force_out(struct vcpu *c)
{
	u32 pcpu = READ_ONCE(c->pcpu);

	if (__atomic_load_n(&c->mode, __ATOMIC_SEQ_CST) != VCPU_IN_GUEST ||
	    pcpu == this_cpu()->index)
		return false;
	cpu_kick(percpu_by_index[pcpu]);
	/* Acquire: pairs with the release when it leaves guest mode.  It may be back in
	 * it already, flushed. */
	while (__atomic_load_n(&c->mode, __ATOMIC_ACQUIRE) == VCPU_IN_GUEST && !is_flushed(c))
		__builtin_ia32_pause();
	return true;
}

enum exit_action vcpu_inject(struct vcpu *c, u8 vector, u32 error)
{
	if (vmx_queue_exception(&c->vmx, vector, error))
		return GO_ON;
	c->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return TO_USER;
}
