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

void ram_free(struct ram *ram)
{
	for (u32 i = 0; i < ram->part_count; i++) {
		memset(ram->parts[i].host, 0, ram->parts[i].size);
		memory_free(ram->parts[i].host, ram->parts[i].size);
	}
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

/* Where the RAM at a guest-physical address lies in the host, and how far it goes on. */
static u8 *locate(const struct ram *ram, u64 gpa, u64 *room)
{
	u64 offset = gpa, end;

	if (gpa < RAM_LOW_END) {
		end = RAM_LOW_END;
	} else if (gpa >= RAM_BIOS && gpa < ram_low_top(ram)) {
		end = ram_low_top(ram);
	} else if (gpa >= SIZE_4G && gpa < ram_high_end(ram)) {
		offset = gpa - SIZE_4G + RAM_HOLE;
		end = ram->size;
	} else {
		return NULL;
	}
	for (u32 i = 0; i < ram->part_count; i++) {
		const struct ram_part *p = &ram->parts[i];
		if (offset < p->offset || offset - p->offset >= p->size)
			continue;
		*room = MIN(end, p->offset + p->size) - offset;
		return p->host + (offset - p->offset);
	}
	return NULL;
}

void *ram_at(const struct ram *ram, u64 gpa, u64 size)
{
	u64 room;
	u8 *at = locate(ram, gpa, &room);

	return at && size <= room ? at : NULL;
}

/* Copies, or clears where `from` is NULL. */
static int fill(struct ram *ram, u64 gpa, const u8 *from, u64 size)
{
	while (size) {
		u64 room;
		u8 *at = locate(ram, gpa, &room);
		if (!at)
			return -EFAULT;
		u64 n = MIN(room, size);
		if (from) {
			memcpy(at, from, n);
			from += n;
		} else {
			memset(at, 0, n);
		}
		gpa += n;
		size -= n;
	}
	return 0;
}

int ram_write(struct ram *ram, u64 gpa, const void *from, u64 size)
{
	return fill(ram, gpa, from, size);
}

int ram_clear(struct ram *ram, u64 gpa, u64 size)
{
	return fill(ram, gpa, NULL, size);
}

/* One slot for each piece of a region that lies in one part. */
static int map_region(const struct ram *ram, u32 vm_handle, u64 start, u64 end, u32 *slot)
{
	while (start < end) {
		u64 room;
		u8 *at = locate(ram, start, &room);
		if (!at)
			return -EFAULT;
		struct kvm_userspace_memory_region region = {
			.slot = (*slot)++,
			.guest_phys_addr = start,
			.memory_size = MIN(room, end - start),
			.userspace_addr = addr(at),
		};
		s64 err = kvm0_ioctl_ptr(vm_handle, KVM_SET_USER_MEMORY_REGION, &region);
		if (err < 0)
			return (int)err;
		start += region.memory_size;
	}
	return 0;
}

int ram_map(const struct ram *ram, u32 vm_handle)
{
	u32 slot = 0;
	int err = map_region(ram, vm_handle, 0, RAM_LOW_END, &slot);

	if (!err)
		err = map_region(ram, vm_handle, RAM_BIOS, ram_low_top(ram), &slot);
	if (!err)
		err = map_region(ram, vm_handle, SIZE_4G, ram_high_end(ram), &slot);
	return err;
}
