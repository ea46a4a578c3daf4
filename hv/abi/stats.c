/* SPDX-License-Identifier: MIT */
/* KVM_GET_STATS_FD, and reading what it gives. */
#include <linux/errno.h>
#include "abi/calls.h"
#include "abi/copy.h"
#include "abi/requests.h"

s64 vm_get_stats_fd(struct vm *vm)
{
	int handle = handle_reserve();

	if (handle > 0) {
		vm_get(vm);
		handle_fill(handle, HANDLE_VM_STATS, vm);
	}
	return handle;
}

s64 vcpu_get_stats_fd(struct vcpu *c)
{
	int handle = handle_reserve();

	if (handle > 0) {
		vm_get(c->vm);
		handle_fill(handle, HANDLE_VCPU_STATS, c);
	}
	return handle;
}

/* Copy what lies in [@position, @position + @size) of the file. */
static s64 read_file(const struct stats_file *f, u64 to, u64 size, u64 position)
{
	u8 piece[STATS_PIECE];
	u64 at = 0, done = 0;
	u32 bytes;

	for (u32 n = 0; done < size && (bytes = stats_piece(f, n, piece)) != 0; n++, at += bytes) {
		u64 skip = position + done - at, part;

		if (position + done < at || skip >= bytes)
			continue;
		part = MIN(bytes - skip, size - done);
		if (copy_out(to + done, piece + skip, part))
			return -EFAULT;
		done += part;
	}
	return (s64)done;
}

s64 call_read(u64 handle, u64 to, u64 size, u64 position)
{
	struct stats_file file = {.count = 0};
	struct handle_ref ref;
	int err = handle ? handle_get(handle, &ref) : -ESPIPE;

	if (err)
		return err;
	if (ref.kind == HANDLE_VM_STATS)
		stats_of_vm(ref.vm, &file);
	else if (ref.kind == HANDLE_VCPU_STATS)
		stats_of_vcpu(ref.vcpu, &file);
	else
		err = -ESPIPE;
	handle_put(&ref);
	if (!err && (s64)position < 0)
		err = -EINVAL;
	return err ? err : read_file(&file, to, size, position);
}
