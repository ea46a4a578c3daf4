/* SPDX-License-Identifier: MIT */
/* Memory that a guest has named: see area.h. */
#include "kvm/pv/area.h"
#include "kvm/mmu.h"

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

enum pv_access pv_area_publish(struct vcpu *c, const struct pv_area *area, u32 version_at, u32 old,
			       u32 offset, const void *buf, u32 len)
{
	u32 version = (old + 1) | 1;
	enum pv_access r = pv_area_write(c, area, version_at, &version, sizeof(version));

	if (r == PV_DONE)
		r = pv_area_write(c, area, offset, buf, len);
	version++;
	if (r == PV_DONE)
		r = pv_area_write(c, area, version_at, &version, sizeof(version));
	return r;
}
