/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle that concern coalesced writes. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"

/* What else Linux has on that bus: the I/O APIC; two PICs and their ELCR, the PIT, the
 * speaker. */
static u32 other_devices(const struct vm *vm, bool pio)
{
	if (!vm_has_pic(vm))
		return 0;
	return pio ? 3u + vm->chip->has_pit + vm->chip->has_speaker : 1;
}

s64 vm_coalesced_zone(struct vm *vm, u64 arg, bool add)
{
	struct kvm_coalesced_mmio_zone z;

	if (copy_in(&z, arg, sizeof(z)))
		return -EFAULT;
	return add ? coalesced_register(&vm->io, &z, other_devices(vm, z.pio))
		   : coalesced_unregister(&vm->io, &z);
}
