/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle that concern its dirty log. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "kvm/dirty.h"

s64 vm_get_dirty_log(struct vm *vm, u64 arg)
{
	struct kvm_dirty_log log;
	struct dirty_cleaning d = {.vm = vm};
	bool clear;
	int err;

	if (copy_in(&log, arg, sizeof(log)))
		return -EFAULT;
	if (vm->ring_entries)
		return -ENXIO;
	dirty_sync(vm);
	spin_lock(&vm->lock);
	clear = !vm->dirty_manual;
	d.m = dirty_log_get(vm, log.slot, clear, &err);
	if (d.m)
		err = copy_out((u64)(uintptr_t)log.dirty_bitmap, d.m->dirty,
			       (d.m->size / PAGE_SIZE + 63) / 64 * sizeof(u64));
	if (!err && clear)
		dirty_log_clear_all(&d);
	dirty_log_end(&d);
	spin_unlock(&vm->lock);
	return err;
}

/* KVM API, KVM_CLEAR_DIRTY_LOG: whole words, but at the slot's end. */
static int check_range(const struct memslot *m, const struct kvm_clear_dirty_log *log)
{
	u64 pages = m->size / PAGE_SIZE;

	if (log->first_page > pages || log->num_pages > pages - log->first_page)
		return -EINVAL;
	return log->num_pages % 64 && log->num_pages < pages - log->first_page ? -EINVAL : 0;
}

#define CHUNK 64u /* words */

static void clear_pages(struct dirty_cleaning *d, const struct kvm_clear_dirty_log *log, u64 words)
{
	u64 chunk[CHUNK], from = (u64)(uintptr_t)log->dirty_bitmap;

	for (u64 done = 0; done < words; done += CHUNK) {
		u64 n = MIN(words - done, (u64)CHUNK);

		if (copy_in(chunk, from + done * sizeof(u64), n * sizeof(u64)))
			return; /* not after copy_possible() */
		for (u64 i = 0; i < n; i++)
			if (chunk[i])
				dirty_log_clear(d, log->first_page + (done + i) * 64, chunk[i]);
	}
}

s64 vm_clear_dirty_log(struct vm *vm, u64 arg)
{
	struct kvm_clear_dirty_log log;
	struct dirty_cleaning d = {.vm = vm};
	u64 words;
	int err;

	if (copy_in(&log, arg, sizeof(log)))
		return -EFAULT;
	if (vm->ring_entries)
		return -ENXIO;
	if (log.slot >= MEMSLOT_MAX || log.first_page % 64)
		return -EINVAL;
	words = ((u64)log.num_pages + 63) / 64;
	dirty_sync(vm);
	spin_lock(&vm->lock);
	d.m = dirty_log_get(vm, log.slot, false, &err);
	if (d.m)
		err = check_range(d.m, &log);
	if (!err && !copy_possible((u64)(uintptr_t)log.dirty_bitmap, words * sizeof(u64)))
		err = -EFAULT;
	if (!err)
		clear_pages(&d, &log, words);
	dirty_log_end(&d);
	spin_unlock(&vm->lock);
	return err;
}

s64 vm_enable_manual_dirty_log(struct vm *vm, u64 options)
{
	u64 allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (options & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (options & ~allowed)
		return -EINVAL;
	dirty_set_manual(vm, (u32)options);
	return 0;
}
