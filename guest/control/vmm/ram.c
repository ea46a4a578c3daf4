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

bool ram_free_some(struct ram *ram, u64 most)
{
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

/* The host's address of a place in the RAM, which is there, and how far it goes on. */
static u8 *at_offset(const struct ram *ram, u64 offset, u64 *room)
{
	const struct ram_part *p = ram->parts;

	while (offset - p->offset >= p->size)
		p++;
	*room = p->offset + p->size - offset;
	return p->host + (offset - p->offset);
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
	u8 *at = at_offset(ram, offset, room);
	*room = MIN(*room, end - offset);
	return at;
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

void ram_copy(struct ram *to, const struct ram *from)
{
	u64 room_from, room_to;

	for (u64 offset = 0, n; offset < from->size; offset += n) {
		const u8 *source = at_offset(from, offset, &room_from);
		u8 *target = at_offset(to, offset, &room_to);
		n = MIN(room_from, room_to);
		memcpy(target, source, n);
	}
}

bool ram_slot(const struct ram *ram, u32 number, struct ram_slot *slot)
{
	const u64 regions[][2] = {
		{0, RAM_LOW_END},
		{RAM_BIOS, ram_low_top(ram)},
		{SIZE_4G, ram_high_end(ram)},
	};

	for (u32 i = 0; i < ARRAY_SIZE(regions); i++) {
		u64 gpa = regions[i][0], end = regions[i][1], room;
		for (; gpa < end; gpa += slot->size) {
			u8 *host = locate(ram, gpa, &room);
			*slot = (struct ram_slot){gpa, MIN(room, end - gpa), host};
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
