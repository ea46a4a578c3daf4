/* SPDX-License-Identifier: MIT */
/* Memory that a guest has named: see area.h. */
#include "kvm/pv/area.h"
#include <linux/errno.h>
#include "kvm/mmu.h"

int pv_area_set(struct vcpu *c, struct pv_area *area, u64 address, u32 size)
{
	u64 last = address + size - 1;
	bool good = address <= last;

	spin_lock(&c->vm->lock);
	for (u64 a = address & PAGE_MASK; good && a <= last; a += PAGE_SIZE)
		good = memslots_find(&c->vm->slots, gpa(a)) != NULL;
	spin_unlock(&c->vm->lock);
	if (!good)
		return -EINVAL;
	*area = (struct pv_area){.gpa = address, .size = size};
	return 0;
}

bool pv_area_is_writable(struct vcpu *c, u64 address)
{
	const struct memslot *m;
	bool writable;

	spin_lock(&c->vm->lock);
	m = memslots_find(&c->vm->slots, gpa(address));
	writable = m && !(m->flags & KVM_MEM_READONLY);
	spin_unlock(&c->vm->lock);
	return writable;
}

/* Bytes from @a to the end of its page, at most @len. */
static u32 in_page(u64 a, u32 len)
{
	return MIN(len, (u32)(PAGE_SIZE - a % PAGE_SIZE));
}

static enum pv_access access_of(int r)
{
	return r == GUEST_MEM_OK ? PV_DONE : r == GUEST_MEM_ABSENT ? PV_ABSENT : PV_NONE;
}

enum pv_access pv_area_read(struct vcpu *c, const struct pv_area *area, u32 offset, void *buf,
			    u32 len)
{
	u64 a = area->gpa + offset;
	u32 first = in_page(a, len);
	int r = mmu_read(c, gpa(a), buf, first);

	if (r == GUEST_MEM_OK && first < len)
		r = mmu_read(c, gpa(a + first), (u8 *)buf + first, len - first);
	return access_of(r);
}

enum pv_access pv_area_write(struct vcpu *c, const struct pv_area *area, u32 offset,
			     const void *buf, u32 len)
{
	u64 a = area->gpa + offset;
	u32 first = in_page(a, len);
	int r = mmu_write(c, gpa(a), buf, first);

	if (r == GUEST_MEM_OK && first < len)
		r = mmu_write(c, gpa(a + first), (const u8 *)buf + first, len - first);
	return access_of(r);
}
