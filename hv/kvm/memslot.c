/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: found by number in a table of chunks that are made when first used, by
 * address in a sorted array of numbers.
 */
#include "kvm/memslot.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/page.h"
#include "lib/string.h"

#define CHUNK       64u /* slots */
#define CHUNK_BYTES (CHUNK * sizeof(struct memslot))
#define TABLE_BYTES ((MEMSLOT_MAX + CHUNK - 1) / CHUNK * sizeof(struct memslot *))
#define FIRST_ROOM  32u

int memslots_init(struct memslots *s)
{
	*s = (struct memslots){.chunk = object_alloc(TABLE_BYTES)};
	return s->chunk ? 0 : -ENOMEM;
}

void memslots_destroy(struct memslots *s)
{
	for (u32 i = 0; s->chunk && i < TABLE_BYTES / sizeof(*s->chunk); i++)
		object_free(s->chunk[i], CHUNK_BYTES);
	object_free(s->chunk, TABLE_BYTES);
	object_free(s->sorted, s->room * sizeof(*s->sorted));
	*s = (struct memslots){0};
}

static struct memslot *slot(const struct memslots *s, u32 id)
{
	return &s->chunk[id / CHUNK][id % CHUNK];
}

const struct memslot *memslots_get(const struct memslots *s, u32 id)
{
	const struct memslot *m;

	if (id >= MEMSLOT_MAX || !s->chunk[id / CHUNK])
		return NULL;
	m = slot(s, id);
	return m->size ? m : NULL;
}

const struct memslot *memslots_at(const struct memslots *s, u32 n)
{
	return slot(s, s->sorted[n]);
}

/* How many slots begin at @a or below. */
static u32 count_up_to(const struct memslots *s, u64 a)
{
	u32 low = 0, high = s->count;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (memslots_at(s, mid)->base.v <= a)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

#define SLOT_MAX_PAGES ((1ull << 31) - 1)                      /* KVM's own limit */
#define FIXED_FLAGS    (KVM_MEM_READONLY | KVM0_MEM_ON_DEMAND) /* for the slot's life */
#define KNOWN_FLAGS    (KVM_MEM_LOG_DIRTY_PAGES | FIXED_FLAGS)

static int check_region(const struct kvm_userspace_memory_region *r)
{
	if (r->slot >= MEMSLOT_MAX) /* bits 31:16, the address space, have to be 0 */
		return -EINVAL;
	if (r->flags & ~KNOWN_FLAGS)
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
	u32 i = count_up_to(s, n->base.v + n->size - 1);

	/* The last that begins below its end, or the one before if that is the slot itself. */
	if (i && memslots_at(s, i - 1)->id == n->id)
		i--;
	return i && memslots_at(s, i - 1)->base.v + memslots_at(s, i - 1)->size > n->base.v;
}

int memslots_plan(const struct memslots *s, const struct kvm_userspace_memory_region *r,
		  struct memslot_change *c)
{
	const struct memslot *old = memslots_get(s, r->slot);
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
				  .id = (u16)r->slot,
				  .flags = r->flags};
	if (old) {
		/* KVM lets a slot move in guest-physical space and change its log, no more. */
		if (old->size != c->new.size || old->hva != c->new.hva ||
		    ((old->flags ^ r->flags) & FIXED_FLAGS))
			return -EINVAL;
		c->remove = old->base.v != c->new.base.v;
		c->reflag = !c->remove && old->flags != r->flags;
		c->none = !c->remove && !c->reflag;
		if (!c->remove)
			return 0;
	}
	if (overlaps(s, &c->new))
		return -EEXIST;
	c->insert = true;
	return 0;
}

/* One more element in the sorted array. */
static int make_room(struct memslots *s)
{
	u32 room = s->room ? s->room * 2 : FIRST_ROOM;
	u16 *sorted;

	if (s->count < s->room)
		return 0;
	sorted = object_alloc(room * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	if (s->count)
		memcpy(sorted, s->sorted, s->count * sizeof(*sorted));
	object_free(s->sorted, s->room * sizeof(*sorted));
	s->sorted = sorted;
	s->room = room;
	return 0;
}

int memslots_reserve(struct memslots *s, const struct memslot_change *c)
{
	struct memslot **chunk = &s->chunk[c->new.id / CHUNK];

	if (!c->insert)
		return 0;
	if (!*chunk)
		*chunk = object_alloc(CHUNK_BYTES);
	return *chunk ? make_room(s) : -ENOMEM;
}

static void take_out(struct memslots *s, const struct memslot *m)
{
	u32 i = count_up_to(s, m->base.v) - 1;

	s->count--;
	memmove(&s->sorted[i], &s->sorted[i + 1], (s->count - i) * sizeof(s->sorted[0]));
	slot(s, m->id)->size = 0;
}

static void put_in(struct memslots *s, const struct memslot *n)
{
	u32 i = count_up_to(s, n->base.v);

	memmove(&s->sorted[i + 1], &s->sorted[i], (s->count - i) * sizeof(s->sorted[0]));
	s->sorted[i] = n->id;
	*slot(s, n->id) = *n;
	s->count++;
}

void memslots_commit(struct memslots *s, const struct memslot_change *c)
{
	s->last = NULL;
	if (c->remove)
		take_out(s, &c->old);
	if (c->insert)
		put_in(s, &c->new);
	else if (c->reflag)
		*slot(s, c->new.id) = c->new;
}

const struct memslot *memslots_find(struct memslots *s, gpa_t a)
{
	const struct memslot *m = s->last;
	u32 i;

	/* The difference wraps to a large number below the base. */
	if (m && a.v - m->base.v < m->size)
		return m;
	i = count_up_to(s, a.v);
	m = i ? memslots_at(s, i - 1) : NULL;
	if (!m || a.v - m->base.v >= m->size)
		return NULL;
	s->last = m;
	return m;
}
