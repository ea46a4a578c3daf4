/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle that concern its interrupt controllers. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"
#include "cpu/tsc.h"

/* The lock of the models, since the PIT is made under it. */
s64 vm_create_pit2(struct vm *vm, u64 arg)
{
	struct kvm_pit_config config;

	if (copy_in(&config, arg, sizeof(config)))
		return -EFAULT;
	if (!vm->chip)
		return -ENOENT;
	return irqchip_create_pit(vm->chip, config.flags, rdtsc());
}

s64 vm_irq_line(struct vm *vm, u64 arg, bool status)
{
	struct kvm_irq_level line;
	int r;

	if (copy_in(&line, arg, sizeof(line)))
		return -EFAULT;
	if (!vm->chip)
		return -ENXIO;
	r = irqchip_line(vm->chip, line.irq, IRQ_SOURCE_API, line.level);
	vm_deliver_wakes(vm);
	if (!status)
		return 0;
	line.status = r;
	return copy_out(arg, &line, sizeof(line));
}

s64 vm_signal_msi(struct vm *vm, u64 arg)
{
	struct kvm_msi msi;
	int r;

	if (copy_in(&msi, arg, sizeof(msi)))
		return -EFAULT;
	/* The device's id is of no use on x86, and allowed. */
	if (!vm->chip || (msi.flags & ~KVM_MSI_VALID_DEVID))
		return -EINVAL;
	r = irqchip_msi(vm->chip, &(struct irq_msi){msi.address_lo, msi.address_hi, msi.data});
	vm_deliver_wakes(vm);
	return r;
}

/* The entry @i of the list behind a struct kvm_irq_routing. */
static int copy_route(struct kvm_irq_routing_entry *e, u64 arg, u32 i)
{
	return copy_in(e, arg + sizeof(struct kvm_irq_routing) + i * sizeof(*e), sizeof(*e));
}

/* The GSIs that a list of @nr entries needs a table for; -EFAULT; -EINVAL: too many. */
static int count_gsis(u64 arg, u32 nr)
{
	struct kvm_irq_routing_entry e;
	u32 last = 0;

	for (u32 i = 0; i < nr; i++) {
		if (copy_route(&e, arg, i))
			return -EFAULT;
		last = MAX(last, e.gsi);
	}
	return last < IRQ_ROUTES_MAX ? (int)last + 1 : -EINVAL;
}

static int fill_routing(struct irq_routing *r, u64 arg, u32 nr, bool x2apic_ids)
{
	struct kvm_irq_routing_entry e;
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++)
		err = copy_route(&e, arg, i) ? -EFAULT : routing_add(r, &e, x2apic_ids);
	return err;
}

s64 vm_set_gsi_routing(struct vm *vm, u64 arg)
{
	struct kvm_irq_routing head;
	struct irq_routing r;
	int count, err;

	if (copy_in(&head, arg, sizeof(head)))
		return -EFAULT;
	if (!vm->chip || head.nr > IRQ_ROUTES_MAX || head.flags)
		return -EINVAL;
	/* Looked at twice.  What has changed meanwhile is checked like the rest. */
	count = count_gsis(arg, head.nr);
	if (count < 0)
		return count;
	if (!page_room() || routing_init(&r, (u32)count))
		return -ENOMEM;
	err = fill_routing(&r, arg, head.nr, vm->x2apic_api & KVM_X2APIC_API_USE_32BIT_IDS);
	if (!err)
		irqchip_set_routing(vm->chip, &r);
	routing_destroy(&r);
	return err;
}
