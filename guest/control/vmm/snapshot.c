/* SPDX-License-Identifier: MIT */
/* Saving and restoring VMs; see snapshot.h. */
#include <linux/errno.h>
#include "guest/control/vmm/snapshot.h"
#include "guest/lib/cpu.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

static int explain(s64 err, const char *what, const char *step, char *why, u64 why_size)
{
	if (err < 0)
		format_text(why, why_size, "its state (%s) cannot be %s: %s (%lld)", step, what,
			    kvm0_errno_name(err), err);
	return err < 0 ? (int)err : 0;
}

int snapshot_state_get(struct snapshot *s, struct vm *vm, char *why, u64 why_size)
{
	const char *step = "cpus";
	s64 err = vm->config.cpus == 1
			  ? state_get(&s->state, vm->handle, vm->vcpus[0].handle, &step)
			  : -EOPNOTSUPP;

	s->config = vm->config;
	s->devices = vm->devices;
	return explain(err, "read", step, why, why_size);
}

int snapshot_state_set(const struct snapshot *s, struct vm *vm, char *why, u64 why_size)
{
	const char *step = "";
	s64 err = state_set(&s->state, vm->handle, vm->vcpus[0].handle, &step);
	struct serial fresh = vm->devices.serial;

	vm->devices = s->devices;
	vm->devices.serial = fresh;
	serial_restore(&vm->devices.serial, &s->devices.serial);
	vm->devices.pm_timer_lag += rdtsc() - s->state.taken_at;
	return explain(err, "set", step, why, why_size);
}

int snapshot_take(struct snapshot *s, struct vm *vm, char *why, u64 why_size)
{
	memset(s, 0, sizeof(*s));
	if (!vm_pause(vm)) {
		format_text(why, why_size, "it has just ended");
		return -ESRCH;
	}
	int err = snapshot_state_get(s, vm, why, why_size);
	if (!err && (ram_alloc_like(&s->ram, &vm->ram) || ram_copy(&s->ram, &vm->ram))) {
		format_text(why, why_size, "no %llu MiB of memory to keep it in: %llu MiB are free",
			    ram_used(&vm->ram) / SIZE_1M, ram_available() / SIZE_1M);
		ram_free(&s->ram);
		err = -ENOMEM;
	}
	return err;
}

int snapshot_restore(const struct snapshot *s, struct vm *vm, const struct vm_sink *sink, char *why,
		     u64 why_size)
{
	int err = vm_create_empty(vm, &s->config, sink, why, why_size);

	if (err)
		return err;
	err = ram_copy(&vm->ram, &s->ram);
	if (err)
		format_text(why, why_size, "no memory is left for it");
	else
		err = snapshot_state_set(s, vm, why, why_size);
	if (err)
		vm_destroy(vm);
	return err;
}

void snapshot_free(struct snapshot *s)
{
	ram_free(&s->ram);
}
