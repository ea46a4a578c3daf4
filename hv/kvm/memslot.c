/* SPDX-License-Identifier: MIT */
/* Memory slots, as a sorted array. */
#include "kvm/memslot.h"
#include <linux/errno.h>
#include "core/page.h"
#include "lib/string.h"

#define SLOTS_BYTES (MEMSLOT_MAX * sizeof(struct memslot))

int memslots_init(struct memslots *s)
{
	*s = (struct memslots){.sorted = object_alloc(SLOTS_BYTES)};
	return s->sorted ? 0 : -ENOMEM;
}

void memslots_destroy(struct memslots *s)
{
	object_free(s->sorted, SLOTS_BYTES);
	s->sorted = NULL;
}

static const struct memslot *find_id(const struct memslots *s, u32 id)
{
	for (u32 i = 0; i < s->count; i++)
		if (s->sorted[i].id == id)
			return &s->sorted[i];
	return NULL;
}

#define SLOT_MAX_PAGES ((1ull << 31) - 1) /* KVM's own limit */

static int check_region(const struct kvm_userspace_memory_region *r)
{
	if (r->slot >= MEMSLOT_MAX) /* bits 31:16, the address space, have to be 0 */
		return -EINVAL;
	if (r->flags)
		return -EINVAL;
	if (r->memory_size >> PAGE_SHIFT > SLOT_MAX_PAGES)
		return -EINVAL;
	if (!IS_ALIGNED(r->memory_size | r->guest_phys_addr | r->userspace_addr, PAGE_SIZE))
		return -EINVAL;
	if (r->guest_phys_addr + r->memory_size < r->guest_phys_addr ||
	    r->userspace_addr + r->memory_size < r->userspace_addr ||
	    r->guest_phys_addr + r->memory_size > MEMSLOT_GPA_LIMIT)
		return -EINVAL;
	return 0;
}

static bool overlaps(const struct memslots *s, const struct memslot *n)
{
	for (u32 i = 0; i < s->count; i++) {
		const struct memslot *o = &s->sorted[i];

		if (o->id != n->id && o->base.v < n->base.v + n->size &&
		    n->base.v < o->base.v + o->size)
			return true;
	}
	return false;
}

int memslots_plan(const struct memslots *s, const struct kvm_userspace_memory_region *r,
		  struct memslot_change *c)
{
	const struct memslot *old = find_id(s, r->slot);
	int err = check_region(r);

	memset(c, 0, sizeof(*c));
	if (err)
		return err;
	if (old)
		c->old = *old;
	if (r->memory_size == 0) {
		c->remove = true;
		return old ? 0 : -EINVAL;
	}
	c->new = (struct memslot){.base = gpa(r->guest_phys_addr),
				  .size = r->memory_size,
				  .hva = r->userspace_addr,
				  .id = r->slot,
				  .flags = r->flags};
	if (old) {
		/* KVM lets a slot move in guest-physical space, and nothing else. */
		if (old->size != c->new.size || old->hva != c->new.hva)
			return -EINVAL;
		c->none = old->base.v == c->new.base.v;
		if (c->none)
			return 0;
		c->remove = true;
	}
	if (overlaps(s, &c->new))
		return -EEXIST;
	c->insert = true;
	return 0;
}

static void take_out(struct memslots *s, u32 id)
{
	u32 i = 0;

	while (s->sorted[i].id != id)
		i++;
	s->count--;
	memmove(&s->sorted[i], &s->sorted[i + 1], (s->count - i) * sizeof(s->sorted[0]));
}

static void put_in(struct memslots *s, const struct memslot *n)
{
	u32 i = s->count;

	for (; i > 0 && s->sorted[i - 1].base.v > n->base.v; i--)
		s->sorted[i] = s->sorted[i - 1];
	s->sorted[i] = *n;
	s->count++;
}

void memslots_commit(struct memslots *s, const struct memslot_change *c)
{
	s->last = 0;
	if (c->remove)
		take_out(s, c->old.id);
	if (c->insert)
		put_in(s, &c->new);
}

static bool holds(const struct memslot *m, gpa_t a)
{
	return a.v - m->base.v < m->size; /* wraps to a large number below base */
}

const struct memslot *memslots_find(struct memslots *s, gpa_t a)
{
	u32 low = 0, high = s->count;

	if (s->last < s->count && holds(&s->sorted[s->last], a))
		return &s->sorted[s->last];
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (holds(&s->sorted[mid], a)) {
			s->last = mid;
			return &s->sorted[mid];
		}
		if (s->sorted[mid].base.v < a.v)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
