/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine: memory slots and the EPT made of them, vCPUs, interrupt
 * controllers.  It lives until its own handle and those of all its vCPUs are closed:
 * each open handle and each call under way holds one reference.
 */
#pragma once

#include "core/spinlock.h"
#include "cpu/layout.h"
#include "kvm/guest_time.h"
#include "kvm/gva.h"
#include "kvm/iobus.h"
#include "kvm/irqchip/irqchip.h"
#include "kvm/irqfd.h"
#include "kvm/memslot.h"
#include "kvm/pv/pv.h"
#include "kvm/stats.h"
#include "kvm/vm_clock.h"
#include "kvm/wake.h"
#include "vmx/ept.h"

#define VM_MAX_VCPUS APIC_BUS_MAX

struct msr_filter;
struct vcpu;

/* How the CPU tells of writes to pages that are logged as clean. */
enum dirty_mode {
	DIRTY_BY_FAULT, /* they are write-protected */
	DIRTY_BY_FLAG,  /* it sets their dirty flags, which are looked at when the log is read */
	DIRTY_BY_LIST,  /* the same, and each vCPU has a list of the pages where it did */
};

struct vm {
	u32 refs;        /* atomic */
	u32 id;          /* 1 for the first VM that was made, and so on */
	struct vm *next; /* vm_after() */

	/* Rank 2: guards slots, ept, creation of vCPUs and interrupt controllers. */
	struct spinlock lock;
	struct memslots slots;
	struct ept ept;
	u64 mmu_pages_max;          /* KVM_SET_NR_MMU_PAGES; 0: never called */
	u64 slot_pages;             /* of all slots together */
	u32 dirty_manual;           /* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: KVM_DIRTY_LOG_* */
	u32 ring_entries;           /* KVM_CAP_DIRTY_LOG_RING; 0: the log is bitmaps */
	enum dirty_mode dirty_mode; /* constant once there are vCPUs */
	u32 vcpu_count;
	u32 vcpu_id_limit;                /* 0: none set yet */
	struct vcpu *vcpus[VM_MAX_VCPUS]; /* by creation order; set once, then constant */

	struct vm_time time;
	struct vm_clock clock;
	struct vm_pv pv;
	struct msr_filter *msr_filter; /* set under lock, and used with it; NULL: none */
	u32 user_msr_reasons;          /* KVM_MSR_EXIT_REASON_*: what ends in user space */
	bool exit_on_emulation_error;  /* KVM_CAP_EXIT_ON_EMULATION_FAILURE */

	/* Bumped (under lock) when a mapping was removed; a CPU whose tlb_seen differs
	 * flushes before it enters a vCPU.  tlb_seen[n] is CPU n's own. */
	u64 tlb_generation;
	u64 tlb_seen[MAX_CPUS];

	u64 quirks_off;          /* KVM_CAP_DISABLE_QUIRKS2: KVM_X86_QUIRK_* */
	u64 exits_off;           /* KVM_X86_DISABLE_EXITS_*; under lock, constant with vCPUs */
	bool exception_payload;  /* KVM_CAP_EXCEPTION_PAYLOAD is enabled */
	bool triple_fault_event; /* KVM_CAP_X86_TRIPLE_FAULT_EVENT is */
	bool hide_platform_info; /* KVM_CAP_MSR_PLATFORM_INFO: its MSR is not the guest's */
	struct irqchip *chip;    /* the local APICs', and what else of interrupt controllers is
				  * not user space's; set once, under lock; NULL: all are */
	void *apic_access_page;  /* one page; NULL: no vCPU needs it (apicv.h) */
	bool apic_page_mapped;   /* it may be in the EPT */
	u64 x2apic_api;          /* KVM_X2APIC_API_* that are enabled; under lock */
	u32 boot_cpu_id;         /* under lock; constant once there are vCPUs */
	struct irqfds irqfds;    /* none without chip */
	struct iobus io;
	struct {
		bool set;
		u32 ns;        /* written before set */
	} halt_poll;           /* KVM_CAP_HALT_POLL */
	bool has_vfio;         /* KVM_CREATE_DEVICE's; atomic */
	struct vm_stats stats; /* counted with lock held */
};

extern const struct param_table vm_params; /* min_timer_period_us=, vector_hashing= */

/* A new VM with one reference.  NULL: no memory. */
struct vm *vm_create(void) __must_check;

/* The VM that was made next after @vm (NULL: the oldest) of those that there are, or NULL.  With
 * the world parked (monitor/park.h). */
struct vm *vm_after(const struct vm *vm);

static inline void vm_get(struct vm *vm)
{
	__atomic_fetch_add(&vm->refs, 1, __ATOMIC_RELAXED);
}

/* The last reference is gone (handle_put()): free the VM with all its vCPUs. */
void vm_free(struct vm *vm);

/* KVM_CAP_MAX_VCPU_ID: only ids below @limit from now on.  0; -EINVAL: more than kvm0 can have, or
 * another limit has been set, or the first vCPU been made. */
int vm_limit_vcpu_ids(struct vm *vm, u64 limit) __must_check;

/* KVM_CREATE_VCPU with KVM's checks.  0 and *@out; -EINVAL: @id too large; -EEXIST;
 * -ENOMEM. */
int vm_create_vcpu(struct vm *vm, u64 id, struct vcpu **out) __must_check;

/* KVM_CREATE_IRQCHIP.  0; -EEXIST; -EINVAL: there are vCPUs already; -ENOMEM. */
int vm_create_irqchip(struct vm *vm) __must_check;

/* KVM_CAP_SPLIT_IRQCHIP: the local APICs alone, with the first @reserved_routes GSIs for user
 * space's I/O APIC.  0; -EEXIST: there are interrupt controllers, or vCPUs; -EINVAL: too many
 * routes; -ENOMEM. */
int vm_split_irqchip(struct vm *vm, u64 reserved_routes) __must_check;

/* Has it a PIC, an I/O APIC, and perhaps a PIT here? */
static inline bool vm_has_pic(const struct vm *vm)
{
	return vm->chip && !vm->chip->split;
}

/* KVM_CAP_X2APIC_API: enable @flags, KVM_X2APIC_API_*, for good. */
void vm_enable_x2apic_api(struct vm *vm, u64 flags);

/* KVM_CAP_X86_DISABLE_EXITS: these too do not happen.  0; -EINVAL: others than HLT, PAUSE and
 * CSTATE, or there are vCPUs already. */
#define VM_EXITS_OFF                                                                               \
	(KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE | KVM_X86_DISABLE_EXITS_CSTATE)
int vm_disable_exits(struct vm *vm, u64 exits) __must_check;

/* KVM_SET_BOOT_CPU_ID.  0; -EBUSY: there are vCPUs already; -EINVAL: no vCPU can have it. */
int vm_set_boot_cpu_id(struct vm *vm, u64 id) __must_check;

/* Wake or kick the vCPUs that the interrupt controllers have marked.  With them. */
void vm_wake_vcpus(struct vm *vm);

/* The same, and signal the events that the guest's EOIs are for. */
void vm_deliver(struct vm *vm);

/* The same if there is anything of that.  True: the control guest has somebody to wake, and a
 * run is to end for that. */
static inline bool vm_deliver_wakes(struct vm *vm)
{
	if (!vm->chip || !(READ_ONCE(vm->chip->bus.wake) | READ_ONCE(vm->irqfds.ended)))
		return false;
	vm_deliver(vm);
	return wake_any();
}
