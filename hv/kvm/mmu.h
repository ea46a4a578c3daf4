/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: EPT pages made of memory slots on demand and taken away again, and
 * reads and writes of guest-physical memory by kvm0 itself.
 */
#pragma once

#include "kvm/vcpu.h"

enum mmu_result {
	MMU_MAPPED,
	MMU_NO_SLOT,
	MMU_READ_ONLY, /* a write to a slot with KVM_MEM_READONLY: a device's, as if there were none
			*/
	MMU_WANTED,    /* c->wanted says which page the control guest is to supply */
	MMU_NO_MEMORY,
};

/* Map the page at @a after an EPT violation, with the largest page that fits. */
enum mmu_result mmu_fault(struct vcpu *c, gpa_t a, bool write);

/* Take [@a, @a + @size) out of the EPT, on every CPU, before it returns.  vm->lock held. */
void mmu_unmap(struct vm *vm, gpa_t a, u64 size);

/* Have every CPU forget what it has cached of the EPT, before it returns; then tables that
 * were taken out are free.  vm->lock held. */
void mmu_flush(struct vm *vm);

/* No vCPU goes on running without having looked at what has changed: vm->tlb_generation, and
 * what was asked of it with vcpu_ask() before.  True: another CPU was kicked.  vm->lock held. */
bool mmu_force_out(struct vm *vm);

/* Drop all that is mapped.  vm->lock held. */
void mmu_drop(struct vm *vm);

/* Can pages larger than 4 KiB be mapped in @m, of themselves? */
bool mmu_has_large_pages(const struct memslot *m);

/* The EPT's flags for a page of @m.  @writable: the guest may write to it. */
u64 mmu_rights(const struct vm *vm, const struct memslot *m, enum ept_level level, bool writable);

/* --- slots.c --- */

/* KVM_SET_USER_MEMORY_REGION.  memslots_plan()'s errors; -EFAULT: the memory is not
 * all the control guest's RAM; -ENOMEM. */
int mmu_set_slot(struct vm *vm, const struct kvm_userspace_memory_region *r) __must_check;

/* KVM_SET_NR_MMU_PAGES: the EPT may have so many tables.  0; -EINVAL: too few. */
int mmu_set_limit(struct vm *vm, u64 pages) __must_check;
/* KVM_GET_NR_MMU_PAGES: that number, or what KVM would choose for so much memory. */
u64 mmu_limit(struct vm *vm);

/* --- guest_access.c --- */

/* Guest memory as the emulator sees it on behalf of @c, to be used with vm->lock held. */
struct guest_mem mmu_guest_mem(struct vcpu *c);

/* Read or write @len bytes at @a, which lie in one page, on behalf of @c: enum
 * guest_mem_result.  A write enters the dirty log. */
int mmu_read(struct vcpu *c, gpa_t a, void *buf, u32 len);
int mmu_write(struct vcpu *c, gpa_t a, const void *buf, u32 len);
/* Read without a vCPU, which then would want the page that is not there.  vm->lock held, or the
 * world is parked. */
int mmu_peek(struct vm *vm, gpa_t a, void *buf, u32 len);
/* Is there memory at @a that a byte can be written to, supplied or not?  vm->lock is not held. */
bool mmu_is_writable(struct vcpu *c, gpa_t a);
/* Exchange the byte at @a for *@byte, atomically. */
int mmu_exchange_byte(struct vcpu *c, gpa_t a, u8 *byte);

/* --- supply.c --- */

/* KVM0_CALL_SUPPLY and KVM0_CALL_WITHDRAW with their checks, but for -EFAULT of the
 * structure; see kvm0/abi.h. */
struct kvm0_supply;
s64 mmu_supply(struct vm *vm, const struct kvm0_supply *s);
s64 mmu_withdraw(struct vm *vm, u64 address, u64 pages);
