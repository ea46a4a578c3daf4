/* SPDX-License-Identifier: MIT */
/* KVM_GET_STATS_FD, and reading what it gives; reading the trace. */
#include <linux/errno.h>
#include "abi/calls.h"
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"
#include "core/trace.h"
#include "cpu/percpu.h"

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

static int fill_file(const struct handle_ref *ref, struct stats_file *f)
{
	switch (ref->kind) {
	case HANDLE_FREE:
		stats_of_system(f);
		return 0;
	case HANDLE_VM_STATS:
		stats_of_vm(ref->vm, f);
		return 0;
	case HANDLE_VCPU_STATS:
		stats_of_vcpu(ref->vcpu, f);
		return 0;
	default:
		return -ESPIPE;
	}
}

s64 call_read(u64 handle, u64 to, u64 size, u64 position)
{
	struct handle_ref ref = {HANDLE_FREE, {NULL}}; /* the system's */
	s64 err = handle ? handle_get(handle, &ref) : 0;
	struct stats_file *file;

	if (err)
		return err;
	file = object_alloc(sizeof(*file));
	err = file ? fill_file(&ref, file) : -ENOMEM;
	if (handle)
		handle_put(&ref);
	if (!err && (s64)position < 0)
		err = -EINVAL;
	if (!err)
		err = read_file(file, to, size, position);
	object_free(file, sizeof(*file));
	return err;
}

s64 call_read_trace(u64 cpu, u64 to, u64 size, u64 *position)
{
	struct kvm0_trace_event e;
	u64 done = 0, next = *position;

	if (cpu >= percpu_count)
		return -EINVAL;
	while (size - done >= sizeof(e) && trace_read((u32)cpu, &next, &e)) {
		if (copy_out(to + done, &e, sizeof(e)))
			return -EFAULT;
		done += sizeof(e);
		*position = next;
	}
	return (s64)done;
}
