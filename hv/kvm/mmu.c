/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: EPT pages made of memory slots on demand and taken away again, and
 * reads and writes of guest-physical memory by kvm0 itself.
 */
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "lib/string.h"

/* Where the slot has @a in the machine's memory; the control guest is identity-mapped. */
static hpa_t slot_address(const struct memslot *m, gpa_t a)
{
	return cg_identity(gpa(m->hva + (a.v - m->base.v)));
}

/* Does a page of @level round @a lie in the slot, and alike in both spaces? */
static bool fits(const struct memslot *m, gpa_t a, enum ept_level level)
{
	u64 size = ept_size(level), base = ALIGN_DOWN(a.v, size);

	return IS_ALIGNED(m->base.v - m->hva, size) && base >= m->base.v &&
	       base + size <= m->base.v + m->size;
}

/* vm->lock held. */
static enum mmu_result map_page(struct vm *vm, gpa_t a)
{
	const struct memslot *m = memslots_find(&vm->slots, a);
	enum ept_level level = ept_max_level();

	if (!m)
		return MMU_NO_SLOT;
	if (!page_room())
		return MMU_NO_MEMORY;
	for (;; level--) {
		u64 mask = ~(ept_size(level) - 1);
		int err = -EEXIST;

		if (level == EPT_4K || fits(m, a, level))
			err = ept_map(&vm->ept, gpa(a.v & mask), hpa(slot_address(m, a).v & mask),
				      level, EPT_ALL | EPT_WB);
		if (!err)
			return MMU_MAPPED;
		if (err == -ENOMEM)
			return MMU_NO_MEMORY;
		if (level == EPT_4K) /* another vCPU was faster */
			return MMU_MAPPED;
	}
}

enum mmu_result mmu_fault(struct vm *vm, gpa_t a)
{
	enum mmu_result r;

	spin_lock(&vm->lock);
	r = map_page(vm, a);
	spin_unlock(&vm->lock);
	return r;
}

void mmu_force_out(struct vm *vm)
{
	/* Ordered before the look at each vCPU's mode; pairs with vcpu_run()'s exchange
	 * of mode before it reads the generation. */
	__atomic_fetch_add(&vm->tlb_generation, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_force_out(vm->vcpus[i]);
}

void mmu_unmap(struct vm *vm, gpa_t a, u64 size)
{
	ept_unmap(&vm->ept, a, size);
	mmu_force_out(vm);
	ept_release(&vm->ept);
}

/* The place of @a, whose @len bytes lie in one page; NULL: no slot.  vm->lock held. */
static void *guest_pointer(struct vm *vm, gpa_t a)
{
	const struct memslot *m = memslots_find(&vm->slots, a);

	return m ? phys_to_virt(slot_address(m, a)) : NULL;
}

/* A single access where it is one of a power of two: page tables are read so. */
static void copy(void *to, const void *from, u32 len)
{
	switch (len) {
	case 1:
		*(u8 *)to = READ_ONCE(*(const u8 *)from);
		break;
	case 2:
		*(u16 *)to = READ_ONCE(*(const u16 *)from);
		break;
	case 4:
		*(u32 *)to = READ_ONCE(*(const u32 *)from);
		break;
	case 8:
		*(u64 *)to = READ_ONCE(*(const u64 *)from);
		break;
	default:
		memcpy(to, from, len);
	}
}

/* These three are called with vm->lock held: the emulator makes several accesses for one
 * instruction. */
static int read_gpa(void *ctx, gpa_t a, void *buf, u32 len)
{
	const void *p = guest_pointer(ctx, a);

	if (p)
		copy(buf, p, len);
	return p ? GUEST_MEM_OK : EMU_MMIO;
}

static int write_gpa(void *ctx, gpa_t a, const void *buf, u32 len)
{
	void *p = guest_pointer(ctx, a);

	if (p)
		copy(p, buf, len);
	return p ? GUEST_MEM_OK : EMU_MMIO;
}

#define CMPXCHG(type)                                                                              \
	{                                                                                          \
		type old_ = (type)*old;                                                            \
		__atomic_compare_exchange_n((type *)p, &old_, (type) new, false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                                     \
		*old = old_;                                                                       \
	}

static int cmpxchg_gpa(void *ctx, gpa_t a, u64 *old, u64 new, u32 len)
{
	void *p = guest_pointer(ctx, a);

	if (!p)
		return EMU_MMIO;
	if (len == 8)
		CMPXCHG(u64)
	else if (len == 4)
		CMPXCHG(u32)
	else if (len == 2)
		CMPXCHG(u16)
	else
		CMPXCHG(u8)
	return GUEST_MEM_OK;
}

struct guest_mem mmu_guest_mem(struct vm *vm)
{
	struct guest_mem mem = {.read_gpa = read_gpa,
				.write_gpa = write_gpa,
				.cmpxchg_gpa = cmpxchg_gpa,
				.ctx = vm};
	const struct memslot *m = memslots_last(&vm->slots);

	/* The slot that was of use last: in a usual VM, the one with nearly all its memory. */
	if (m) {
		mem.window = phys_to_virt(slot_address(m, m->base));
		mem.window_base = m->base.v;
		mem.window_size = m->size;
	}
	return mem;
}

int mmu_read(struct vm *vm, gpa_t a, void *buf, u32 len)
{
	int r;

	spin_lock(&vm->lock);
	r = read_gpa(vm, a, buf, len);
	spin_unlock(&vm->lock);
	return r;
}
