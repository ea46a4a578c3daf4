/* SPDX-License-Identifier: MIT */
/* Saving and restoring VMs; see snapshot.h. */
#include <linux/errno.h>
#include "guest/control/vmm/snapshot.h"
#include "guest/lib/cpu.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"

static int explain(s64 err, const char *what, const char *step, char *why, u64 why_size)
{
	if (err < 0)
		format_text(why, why_size, "its state (%s) cannot be %s: %s (%lld)", step, what,
			    kvm0_errno_name(err), err);
	return err < 0 ? (int)err : 0;
}

static void list_vcpus(const struct vm *vm, u32 *handles)
{
	for (u32 i = 0; i < vm->config.cpus; i++)
		handles[i] = vm->vcpus[i].handle;
}

int snapshot_state_get(struct snapshot *s, struct vm *vm, char *why, u64 why_size)
{
	u32 handles[VM_CPUS_MAX], cpus = vm->config.cpus;
	const char *step = "memory for it";

	list_vcpus(vm, handles);
	s->config = vm->config;
	s->devices = vm->devices;
	s->state.count = cpus;
	s->state.vcpus = memory_alloc(cpus * sizeof(struct vcpu_state), PAGE_SIZE);
	s64 err = s->state.vcpus ? state_get(&s->state, vm->handle, handles, &step) : -ENOMEM;
	if (err < 0)
		snapshot_free(s);
	return explain(err, "read", step, why, why_size);
}

int snapshot_state_set(const struct snapshot *s, struct vm *vm, char *why, u64 why_size)
{
	u32 handles[VM_CPUS_MAX];
	const char *step = "";

	list_vcpus(vm, handles);
	s64 err = state_set(&s->state, vm->handle, handles, &step);
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
		snapshot_free(s);
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
	memory_free(s->state.vcpus, s->state.count * sizeof(struct vcpu_state));
	s->state.vcpus = NULL;
	ram_free(&s->ram);
}
