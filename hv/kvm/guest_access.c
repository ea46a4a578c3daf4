/* SPDX-License-Identifier: MIT */
/* Reads and writes of guest-physical memory by kvm0 itself, as the emulator needs them. */
#include <kvm0/abi.h>
#include "cpu/layout.h"
#include "kvm/dirty.h"
#include "kvm/mmu.h"
#include "lib/string.h"

/* The page of @m that holds @a; NULL: it has to be supplied first.  vm->lock held. */
static __on_the_way void *place_in(const struct vm *vm, const struct memslot *m, gpa_t a,
				   bool write)
{
	struct ept_leaf leaf;

	if (!(m->flags & KVM0_MEM_ON_DEMAND))
		return phys_to_virt(cg_identity(gpa(m->hva + (a.v - m->base.v))));
	if (ept_find(&vm->ept, a, &leaf) && (!write || (*leaf.entry & EPT_WRITABLE)))
		return phys_to_virt(ept_address(&leaf, a));
	return NULL;
}

/* The place of @a, whose @len bytes lie in one page; else NULL and enum guest_mem_result in
 * *@why.  vm->lock held. */
static void *guest_pointer(struct vcpu *c, gpa_t a, bool write, int *why)
{
	const struct memslot *m = memslots_find(&c->vm->slots, a);
	void *place;

	*why = EMU_MMIO;
	if (!m || (write && (m->flags & KVM_MEM_READONLY)))
		return NULL;
	place = place_in(c->vm, m, a, write);
	if (!place) {
		c->wanted = (a.v & PAGE_MASK) | (write ? KVM0_WANTED_WRITE : 0);
		*why = GUEST_MEM_ABSENT;
		return NULL;
	}
	if (write && (m->flags & KVM_MEM_LOG_DIRTY_PAGES))
		dirty_mark(c, m, a);
	return place;
}

int mmu_peek(struct vm *vm, gpa_t a, void *buf, u32 len)
{
	const struct memslot *m = memslots_find(&vm->slots, a);
	const void *place = m ? place_in(vm, m, a, false) : NULL;

	if (!place)
		return m ? GUEST_MEM_ABSENT : EMU_MMIO;
	memcpy(buf, place, len);
	return GUEST_MEM_OK;
}

bool mmu_is_writable(struct vcpu *c, gpa_t a)
{
	const struct memslot *m;
	bool writable;

	spin_lock(&c->vm->lock);
	m = memslots_find(&c->vm->slots, a);
	writable = m && !(m->flags & KVM_MEM_READONLY);
	spin_unlock(&c->vm->lock);
	return writable;
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
		compiler_barrier(); /* see copy_in() */
	}
}

/* These three are called with vm->lock held: the emulator makes several accesses for one
 * instruction. */
static int read_gpa(void *ctx, gpa_t a, void *buf, u32 len)
{
	int why;
	const void *p = guest_pointer(ctx, a, false, &why);

	if (!p)
		return why;
	copy(buf, p, len);
	return GUEST_MEM_OK;
}

static int write_gpa(void *ctx, gpa_t a, const void *buf, u32 len)
{
	int why;
	void *p = guest_pointer(ctx, a, true, &why);

	if (!p)
		return why;
	copy(p, buf, len);
	return GUEST_MEM_OK;
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
	int why;
	void *p = guest_pointer(ctx, a, true, &why);

	if (!p)
		return why;
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

struct guest_mem mmu_guest_mem(struct vcpu *c)
{
	struct guest_mem mem = {
		.read_gpa = read_gpa, .write_gpa = write_gpa, .cmpxchg_gpa = cmpxchg_gpa, .ctx = c};
	const struct memslot *m = memslots_last(&c->vm->slots);

	/* The slot that was of use last: in a usual VM, the one with nearly all its memory. */
	if (m && !(m->flags & KVM0_MEM_ON_DEMAND)) {
		mem.window = phys_to_virt(cg_identity(gpa(m->hva)));
		mem.window_base = m->base.v;
		mem.window_size = m->size;
	}
	return mem;
}

int mmu_read(struct vcpu *c, gpa_t a, void *buf, u32 len)
{
	int r;

	spin_lock(&c->vm->lock);
	r = read_gpa(c, a, buf, len);
	spin_unlock(&c->vm->lock);
	return r;
}

int mmu_write(struct vcpu *c, gpa_t a, const void *buf, u32 len)
{
	int r;

	spin_lock(&c->vm->lock);
	r = write_gpa(c, a, buf, len);
	spin_unlock(&c->vm->lock);
	return r;
}

int mmu_exchange_byte(struct vcpu *c, gpa_t a, u8 *byte)
{
	int r = GUEST_MEM_OK;
	u8 *p;

	spin_lock(&c->vm->lock);
	p = guest_pointer(c, a, true, &r);
	if (p) {
		*byte = __atomic_exchange_n(p, *byte, __ATOMIC_SEQ_CST);
		r = GUEST_MEM_OK;
	}
	spin_unlock(&c->vm->lock);
	return r;
}
