/* SPDX-License-Identifier: MIT */
/*
 * Memory that a person looks at: a VM's guest-physical memory, what a vCPU has at a linear address,
 * or kvm0's own.  The world is parked.  Nothing is changed by it, no page supplied or mapped, and
 * no device read.
 */
#pragma once

#include "kvm/vcpu.h"

struct look {
	enum { LOOK_KVM0, LOOK_PHYSICAL, LOOK_LINEAR } at;
	struct vm *vm;            /* NULL: the control guest's memory */
	struct gva_paging paging; /* LOOK_LINEAR */
	u64 pdpte[4];
	struct guest_mem mem; /* whose read_gpa() reads the VM's or the control guest's */
};

/* "N:A", "N.M@A" or "A", and A in *@address.  0; -EINVAL; -ENOENT: there is no such VM or vCPU;
 * -EBUSY: its CPU is missing. */
int look_parse(struct look *l, const char *text, u64 *address) __must_check;

/* Linear addresses of vCPU "N.M", whose VMCS is loaded then.  Errors as above. */
int look_at_vcpu(struct look *l, const char *text) __must_check;

/* VM "N" and its EPT; *@vm is NULL for "0", the control guest.  Errors as above. */
int look_vm(const char *text, struct vm **vm, struct ept *ept) __must_check;

/* Read @n bytes at @address: how many there are, and if it is less, why in *@why. */
u32 look_read(struct look *l, u64 address, u8 *buf, u32 n, const char **why);
