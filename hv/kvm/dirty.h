/* SPDX-License-Identifier: MIT */
/*
 * The dirty log of a VM: which pages of slots with KVM_MEM_LOG_DIRTY_PAGES were written to.
 * It is a bitmap of each slot or a ring of each vCPU (dirty_ring.c); how the guest's own
 * writes are seen is up to the CPU.  In slots that are logged large pages are never
 * writable: the first write splits them.
 */
#pragma once

#include "kvm/vcpu.h"

/* The best that the CPU offers. */
enum dirty_mode dirty_mode_choose(void);

/* What a page loses when it becomes clean: EPT_WRITE or EPT_DIRTY. */
u64 dirty_flag(const struct vm *vm);

/* @a, a page of @m that is logged, was written to on behalf of @c, which this CPU uses.  To be
 * called for every write by kvm0 itself; mmu_write() does.  vm->lock held. */
void dirty_mark(struct vcpu *c, const struct memslot *m, gpa_t a);

/* A slot's bitmap, all bits @set or none.  NULL: no memory. */
u64 *dirty_bitmap_alloc(const struct memslot *m, bool set);
void dirty_bitmap_free(const struct memslot *m);

/* @m is logged from now on, or not any more.  vm->lock held. */
void dirty_start(struct vm *vm, const struct memslot *m);
void dirty_stop(struct vm *vm, const struct memslot *m);

/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 with these options, KVM_DIRTY_LOG_*. */
void dirty_set_manual(struct vm *vm, u32 options);

/*
 * Put into the log what vCPUs have listed so far.  Waits for those that run; vm->lock must not
 * be held.
 */
void dirty_sync(struct vm *vm);

/* The same of @c on this CPU: its VMCS is loaded, and it is not in guest mode. */
void dirty_take_list(struct vcpu *c);

/* What is going to be unmapped in the slot has been written to: note that first.  vm->lock
 * held. */
void dirty_settle(struct vm *vm, const struct memslot *m, gpa_t a, u64 size);
/* The same of all that is mapped. */
void dirty_settle_all(struct vm *vm);

/*
 * The slot's log as KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG have it (hv/abi/vm_dirty.c).
 * vm->lock held from the one call to the next.
 * dirty_log_get(): the slot, with all that was written to in its bitmap; NULL, and -EINVAL or
 * -ENOENT in *@err.  @all: dirty_log_clear_all() follows.
 * dirty_log_clear(): those of the 64 pages from @first whose bits are set in @pages and in the
 * log become clean.  dirty_log_clear_all(): all pages do.
 * dirty_log_end(): CPUs forget what they know of the pages that did.
 */
struct dirty_cleaning {
	struct vm *vm;
	const struct memslot *m;
	struct ept_cursor at;
	bool any;
};
const struct memslot *dirty_log_get(struct vm *vm, u32 slot, bool all, int *err);
void dirty_log_clear(struct dirty_cleaning *d, u64 first, u64 pages);
void dirty_log_clear_all(struct dirty_cleaning *d);
void dirty_log_end(const struct dirty_cleaning *d);

/* --- dirty_ring.c --- */

#define DIRTY_RING_ENTRIES_MAX 65536u
#define DIRTY_RING_BYTES_MAX   (DIRTY_RING_ENTRIES_MAX * sizeof(struct kvm_dirty_gfn))

/* KVM_CAP_DIRTY_LOG_RING with rings of @bytes.  0; -EINVAL: no power of 2, too small, there is
 * one already, or there are vCPUs; -E2BIG. */
int dirty_ring_enable(struct vm *vm, u32 bytes) __must_check;
/* The ring of a new vCPU.  0 or -ENOMEM. */
int dirty_ring_init(struct vcpu *c) __must_check;
void dirty_ring_destroy(struct vcpu *c);
/* Page @number of the ring is @page of the control guest's.  0 or -EINVAL: no such page. */
int dirty_ring_set_page(struct vcpu *c, u64 number, void *page) __must_check;
/* Page @page of slot @slot was written to.  vm->lock held. */
void dirty_ring_push(struct vcpu *c, u32 slot, u64 page);
/* Is there so little room that the vCPU must not run? */
bool dirty_ring_full(const struct vcpu *c);
/* KVM_RESET_DIRTY_RINGS: how many entries are free again, or -EINVAL: the VM has no rings. */
s64 dirty_ring_reset_all(struct vm *vm);
