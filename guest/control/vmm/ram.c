/* SPDX-License-Identifier: MIT */
/* A guest's memory; see ram.h. */
#include "guest/control/vmm/ram.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"

int ram_alloc(struct ram *ram, u64 size)
{
	memset(ram, 0, sizeof(*ram));
	while (ram->size < size && ram->part_count < RAM_MAX_PART) {
		u64 part = MIN(size - ram->size, memory_largest_block());
		u8 *host = part ? memory_alloc_raw(part, SIZE_2M) : NULL;
		if (!host)
			break;
		ram->parts[ram->part_count++] = (struct ram_part){ram->size, part, host};
		ram->size += part;
	}
	if (ram->size == size && size >= SIZE_2M)
		return ram_clear(ram, RAM_BIOS, SIZE_1M - RAM_BIOS);
	ram_free(ram);
	return -ENOMEM;
}

int ram_alloc_demand(struct ram *ram, u64 size)
{
	memset(ram, 0, sizeof(*ram));
	ram->size = size;
	return demand_init(&ram->demand, size / PAGE_SIZE);
}

int ram_alloc_like(struct ram *ram, const struct ram *other)
{
	return other->demand.pages ? ram_alloc_demand(ram, other->size)
				   : ram_alloc(ram, other->size);
}

bool ram_free_some(struct ram *ram, u64 most)
{
	if (ram->demand.pages)
		return demand_free_some(&ram->demand, most / PAGE_SIZE);
	while (ram->part_count && most) {
		struct ram_part *p = &ram->parts[ram->part_count - 1];
		u64 n = MIN(p->size, most);
		p->size -= n;
		memset(p->host + p->size, 0, n);
		memory_free(p->host + p->size, n);
		most -= n;
		if (!p->size)
			ram->part_count--;
	}
	return !ram->part_count;
}

void ram_free(struct ram *ram)
{
	(void)ram_free_some(ram, ~0ull);
	memset(ram, 0, sizeof(*ram));
}

u64 ram_available(void)
{
	return memory_largest_block();
}

u64 ram_low_top(const struct ram *ram)
{
	return MIN(ram->size, RAM_HOLE);
}

u64 ram_high_end(const struct ram *ram)
{
	return SIZE_4G + (ram->size > RAM_HOLE ? ram->size - RAM_HOLE : 0);
}

/* Where the RAM at a guest-physical address lies in the RAM, and how far that goes on. */
static bool to_offset(const struct ram *ram, u64 gpa, u64 *offset, u64 *room)
{
	*offset = gpa;
	if (gpa < RAM_LOW_END)
		*room = RAM_LOW_END - gpa;
	else if (gpa >= RAM_BIOS && gpa < ram_low_top(ram))
		*room = ram_low_top(ram) - gpa;
	else if (gpa >= SIZE_4G && gpa < ram_high_end(ram))
		*room = ram_high_end(ram) - gpa;
	else
		return false;
	if (gpa >= SIZE_4G)
		*offset = gpa - SIZE_4G + RAM_HOLE;
	return true;
}

static u64 to_gpa(u64 offset)
{
	return offset < RAM_HOLE ? offset : offset - RAM_HOLE + SIZE_4G;
}

/* The host's address of a place in RAM that is blocks; *room is cut to its block. */
static u8 *part_at(const struct ram *ram, u64 offset, u64 *room)
{
	const struct ram_part *p = ram->parts;

	while (offset - p->offset >= p->size)
		p++;
	*room = MIN(*room, p->offset + p->size - offset);
	return p->host + (offset - p->offset);
}

/* The host's address of a place in the RAM; NULL: it is a page that is none. */
static u8 *find_at(const struct ram *ram, u64 offset, u64 *room)
{
	if (!ram->demand.pages)
		return part_at(ram, offset, room);
	*room = MIN(*room, PAGE_SIZE - offset % PAGE_SIZE);
	u8 *page = demand_find(&ram->demand, offset / PAGE_SIZE);
	return page ? page + offset % PAGE_SIZE : NULL;
}

/* The same of a page that is one from now on; NULL: there is no memory. */
static u8 *touch_at(struct ram *ram, u64 offset, u64 *room)
{
	if (ram->demand.pages && !demand_touch(&ram->demand, offset / PAGE_SIZE))
		return NULL;
	return find_at(ram, offset, room);
}

void *ram_at(struct ram *ram, u64 gpa, u64 size)
{
	u64 offset, room;

	if (!to_offset(ram, gpa, &offset, &room))
		return NULL;
	u8 *at = touch_at(ram, offset, &room);
	return at && size <= room ? at : NULL;
}

int ram_write(struct ram *ram, u64 gpa, const void *from, u64 size)
{
	u64 offset, n;

	for (const u8 *bytes = from; size; size -= n, bytes += n, gpa += n) {
		if (!to_offset(ram, gpa, &offset, &n))
			return -EFAULT;
		u8 *at = touch_at(ram, offset, &n);
		n = MIN(n, size);
		if (!at)
			return -EFAULT;
		memcpy(at, bytes, n);
	}
	return 0;
}

int ram_clear(struct ram *ram, u64 gpa, u64 size)
{
	u64 offset, n;

	for (; size; size -= n, gpa += n) {
		if (!to_offset(ram, gpa, &offset, &n))
			return -EFAULT;
		u8 *at = find_at(ram, offset, &n);
		n = MIN(n, size);
		if (at)
			memset(at, 0, n);
	}
	return 0;
}

/* Copies at most *n bytes, which are cut to what lies in one piece in both. */
static int copy_piece(struct ram *to, const struct ram *from, u64 offset, u64 *n)
{
	const u8 *source = find_at(from, offset, n);
	u8 *target = source ? touch_at(to, offset, n) : find_at(to, offset, n);

	if (source && !target)
		return -ENOMEM;
	if (source)
		memcpy(target, source, *n);
	else if (target)
		memset(target, 0, *n);
	return 0;
}

int ram_copy_page(struct ram *to, const struct ram *from, u64 gpa)
{
	u64 offset, n;

	if (!to_offset(from, gpa, &offset, &n))
		return -EFAULT;
	n = PAGE_SIZE;
	return copy_piece(to, from, offset, &n);
}

int ram_copy(struct ram *to, const struct ram *from)
{
	int err = 0;

	for (u64 offset = 0, n; offset < from->size && !err; offset += n) {
		n = from->size - offset;
		err = copy_piece(to, from, offset, &n);
	}
	return err;
}

bool ram_slot(const struct ram *ram, u32 number, struct ram_slot *slot)
{
	const u64 regions[] = {0, RAM_BIOS, SIZE_4G};
	u64 offset;

	for (u32 i = 0; i < ARRAY_SIZE(regions); i++) {
		*slot = (struct ram_slot){.gpa = regions[i]};
		for (; to_offset(ram, slot->gpa, &offset, &slot->size); slot->gpa += slot->size) {
			if (!ram->demand.pages)
				slot->host = part_at(ram, offset, &slot->size);
			if (!number--)
				return true;
		}
	}
	return false;
}

int ram_map(const struct ram *ram, u32 vm_handle, u32 flags)
{
	struct ram_slot slot;
	s64 err = 0;

	if (ram->demand.pages)
		flags |= KVM0_MEM_ON_DEMAND;
	for (u32 i = 0; err >= 0 && ram_slot(ram, i, &slot); i++) {
		struct kvm_userspace_memory_region region = {
			.slot = i,
			.flags = flags,
			.guest_phys_addr = slot.gpa,
			.memory_size = slot.size,
			.userspace_addr = addr(slot.host),
		};
		err = kvm0_ioctl_ptr(vm_handle, KVM_SET_USER_MEMORY_REGION, &region);
	}
	return err < 0 ? (int)err : 0;
}

s64 ram_supply(struct ram *ram, u32 vm_handle, u64 gpa)
{
	u64 offset, room;

	if (!ram->demand.pages || !to_offset(ram, gpa, &offset, &room))
		return -EFAULT;
	u8 *page = demand_touch(&ram->demand, offset / PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	s64 n = kvm0_supply(vm_handle, gpa, page, 1, KVM0_SUPPLY_WRITABLE);
	if (n == 1)
		demand_supplied(&ram->demand, offset / PAGE_SIZE);
	return n < 0 ? n : 0;
}

s64 ram_withdraw(struct ram *ram, u32 vm_handle, u64 pages, u64 *zero)
{
	u64 taken = 0, first, n;

	*zero = 0;
	while (taken < pages && (n = demand_pick(&ram->demand, pages - taken, &first))) {
		s64 err = kvm0_withdraw(vm_handle, to_gpa(first * PAGE_SIZE), n);
		if (err < 0)
			return err;
		for (u64 i = first; i < first + n; i++)
			*zero += demand_withdrawn(&ram->demand, i);
		taken += n;
	}
	return (s64)taken;
}

u64 ram_used(const struct ram *ram)
{
	return ram->demand.pages ? ram->demand.used * PAGE_SIZE : ram->size;
}
