/* SPDX-License-Identifier: MIT */
/* See dirty.h. */
#include "tests/abi/dirty.h"

void dirty_open(struct logged *d, u64 size, u32 flags)
{
	machine_open(&d->m, MODE_LONG, 0);
	d->size = size;
	d->memory = check_pages(size);
	d->bits = check_pages(BITS_BYTES);
	CHECK_RESULT(dirty_slot(d, flags, GPA_EXTRA), 0);
}

long dirty_slot(const struct logged *d, u32 flags, u64 gpa)
{
	return machine_slot(d->m.vm, LOG_SLOT, flags, gpa, d->size, d->memory);
}

long dirty_manual(const struct logged *d, u64 options)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = options};

	return t_ioctl_ptr(d->m.vm, KVM_ENABLE_CAP, &cap);
}

void dirty_touch(struct logged *d, u32 first, u32 step, u32 count)
{
	d->m.regs.r9 = GPA_EXTRA + first * PAGE_SIZE;
	d->m.regs.r10 = step * PAGE_SIZE;
	d->m.regs.rdi = count;
	d->m.regs.rsi = GPA_RESULTS;
	machine_do(&d->m, time_touch);
}

void dirty_store(struct logged *d, u64 offset)
{
	d->m.regs.rdi = GPA_EXTRA + offset;
	machine_do(&d->m, long_store);
}

void dirty_load(struct logged *d, u64 offset)
{
	d->m.regs.rdi = GPA_EXTRA + offset;
	machine_do(&d->m, long_load);
}

long dirty_get(struct logged *d)
{
	struct kvm_dirty_log log = {.slot = LOG_SLOT, .dirty_bitmap = d->bits};

	memset(d->bits, 0x5a, BITS_BYTES);
	return t_ioctl_ptr(d->m.vm, KVM_GET_DIRTY_LOG, &log);
}

long dirty_clear(struct logged *d, u32 first, u32 pages)
{
	struct kvm_clear_dirty_log log = {
		.slot = LOG_SLOT, .first_page = first, .num_pages = pages, .dirty_bitmap = d->bits};

	return t_ioctl_ptr(d->m.vm, KVM_CLEAR_DIRTY_LOG, &log);
}

void dirty_expect_at(const char *file, int line, struct logged *d, u32 first, u32 step, u32 count)
{
	u32 pages = (u32)(d->size / PAGE_SIZE);

	check_result(file, line, "KVM_GET_DIRTY_LOG", dirty_get(d), 0);
	for (u32 i = 0; i < ALIGN_UP(pages, 64u); i++) {
		bool is = d->bits[i / 64] >> i % 64 & 1;
		bool wanted = i >= first && (i - first) % step == 0 && (i - first) / step < count;

		if (is != wanted)
			check_fail(file, line, "page %u is %s", i, is ? "dirty" : "not dirty");
	}
	/* Nothing is written behind the last word. */
	check_equal(file, line, "behind the bitmap", d->bits[(pages + 63) / 64],
		    0x5a5a5a5a5a5a5a5aull);
}
