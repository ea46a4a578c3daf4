/* SPDX-License-Identifier: MIT */
/* A VM's whole state with its memory, kept to make VMs of it again.  Called by saved.c. */
#pragma once

#include "guest/control/vmm/state.h"
#include "guest/control/vmm/vm.h"

struct snapshot {
	struct vm_config config;
	struct vm_devices devices;
	struct state state;
	struct ram ram;
};

/*
 * State of KVM and of the devices, out of a VM that vm_pause() has brought to rest, to be given
 * back with snapshot_free().
 */
int snapshot_state_get(struct snapshot *s, struct vm *vm, char *why, u64 why_size) __must_check;
/* And into one of vm_create_empty(), whose time goes on from there. */
int snapshot_state_set(const struct snapshot *s, struct vm *vm, char *why,
		       u64 why_size) __must_check;

/*
 * Takes one of a VM, which goes on behind it.  0, or -errno with why[] a sentence and nothing
 * kept: -ENOMEM, or what KVM says; -ESRCH if the VM has just ended (vm->state).
 */
int snapshot_take(struct snapshot *s, struct vm *vm, char *why, u64 why_size) __must_check;
/* Makes a new VM of it, as often as one likes.  0, or -errno with why[], and no VM. */
int snapshot_restore(const struct snapshot *s, struct vm *vm, const struct vm_sink *sink, char *why,
		     u64 why_size) __must_check;
void snapshot_free(struct snapshot *s);
