/* SPDX-License-Identifier: MIT */
/* Writes that are collected in a ring.  KVM API, KVM_REGISTER_COALESCED_MMIO. */
#include <linux/errno.h>
#include "core/page.h"
#include "kvm/iobus.h"
#include "lib/string.h"

#define RING_ENTRIES ((u32)KVM_COALESCED_MMIO_MAX)

struct zone {
	struct zone *next;
	u64 addr;
	u32 size;
	u8 kind; /* enum iobus_kind */
};

/* Do the @len bytes at @addr lie in the zone?  No length that is negative as an int, and no range
 * that wraps, does. */
static bool holds(const struct zone *z, u64 addr, u32 len)
{
	if (len > 0x7fffffff || addr + len < addr)
		return false;
	return addr >= z->addr && addr + len <= z->addr + z->size;
}

int coalesced_register(struct iobus *b, const struct kvm_coalesced_mmio_zone *z, u32 devices)
{
	struct zone *new;
	int err = 0;

	if (z->pio > 1)
		return -EINVAL;
	new = page_room() ? object_alloc(sizeof(*new)) : NULL;
	if (!new)
		return -ENOMEM;
	*new = (struct zone){
		.addr = z->addr, .size = z->size, .kind = z->pio ? IOBUS_PIO : IOBUS_MMIO};
	spin_lock(&b->lock);
	if (b->zones[new->kind] + devices >= IOBUS_MAX_ZONES) {
		err = -ENOSPC;
	} else {
		new->next = b->zone;
		b->zone = new;
		b->zones[new->kind]++;
		WRITE_ONCE(b->users[new->kind], b->users[new->kind] + 1);
	}
	spin_unlock(&b->lock);
	if (err)
		object_free(new, sizeof(*new));
	return err;
}

int coalesced_unregister(struct iobus *b, const struct kvm_coalesced_mmio_zone *z)
{
	enum iobus_kind kind = z->pio ? IOBUS_PIO : IOBUS_MMIO;
	struct zone **at = &b->zone;

	if (z->pio > 1)
		return -EINVAL;
	spin_lock(&b->lock);
	while (*at) {
		struct zone *p = *at;

		if (p->kind != kind || !holds(p, z->addr, z->size)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		b->zones[kind]--;
		WRITE_ONCE(b->users[kind], b->users[kind] - 1);
		object_free(p, sizeof(*p));
	}
	spin_unlock(&b->lock);
	return 0;
}

/* Put it in the ring, whose page the control guest may change at any time.  False: full. */
static bool push(struct kvm_coalesced_mmio_ring *ring, bool pio, u64 addr, u32 len, u64 value)
{
	u32 at = READ_ONCE(ring->last), next = (at + 1) % RING_ENTRIES;
	struct kvm_coalesced_mmio *entry;

	/* Acquire: what is free has been read; pairs with the owner's store of first. */
	if (at >= RING_ENTRIES || next == __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE))
		return false;
	entry = &ring->coalesced_mmio[at];
	entry->phys_addr = addr;
	entry->len = len;
	entry->pio = pio;
	memcpy(entry->data, &value, sizeof(entry->data));
	/* Release: the entry comes first; pairs with the owner's load of last. */
	__atomic_store_n(&ring->last, next, __ATOMIC_RELEASE);
	return true;
}

bool coalesced_write(struct iobus *b, enum iobus_kind kind, u64 addr, u32 len, u64 value)
{
	if (!b->ring)
		return false;
	for (const struct zone *z = b->zone; z; z = z->next)
		if (z->kind == kind && holds(z, addr, len))
			return push(b->ring, kind == IOBUS_PIO, addr, len, value);
	return false;
}

void coalesced_release_all(struct iobus *b)
{
	for (struct zone *z = b->zone, *next; z; z = next) {
		next = z->next;
		object_free(z, sizeof(*z));
	}
}
