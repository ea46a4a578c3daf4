/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle that concern its interrupt controllers. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"
#include "cpu/tsc.h"

static s64 create_pit(struct vm *vm, u32 flags)
{
	return vm_has_pic(vm) ? irqchip_create_pit(vm->chip, flags, rdtsc()) : -ENOENT;
}

s64 vm_create_pit(struct vm *vm)
{
	return create_pit(vm, KVM_PIT_SPEAKER_DUMMY);
}

s64 vm_create_pit2(struct vm *vm, u64 arg)
{
	struct kvm_pit_config config;

	return copy_in(&config, arg, sizeof(config)) ? -EFAULT : create_pit(vm, config.flags);
}

s64 vm_get_irqchip(struct vm *vm, u64 arg)
{
	struct kvm_irqchip s;
	s64 err;

	if (copy_in(&s, arg, sizeof(s)))
		return -EFAULT;
	if (!vm_has_pic(vm))
		return -ENXIO;
	err = irqchip_get(vm->chip, &s);
	return err ? err : copy_out(arg, &s, sizeof(s));
}

s64 vm_set_irqchip(struct vm *vm, u64 arg)
{
	struct kvm_irqchip s;
	s64 err;

	if (copy_in(&s, arg, sizeof(s)))
		return -EFAULT;
	if (!vm_has_pic(vm))
		return -ENXIO;
	err = irqchip_set(vm->chip, &s);
	vm_deliver_wakes(vm);
	return err;
}

/* The old calls have the channels alone. */
_Static_assert(sizeof(struct kvm_pit_state) == offsetof(struct kvm_pit_state2, flags), "PIT");

/* @size: the old structure's or the new one's. */
static s64 get_pit(struct vm *vm, u64 arg, size_t size)
{
	struct kvm_pit_state2 s;

	if (!vm->chip || irqchip_get_pit(vm->chip, &s))
		return -ENXIO;
	return copy_out(arg, &s, size);
}

static s64 set_pit(struct vm *vm, u64 arg, size_t size)
{
	struct kvm_pit_state2 s;
	s64 err;

	if (copy_in(&s, arg, size))
		return -EFAULT;
	if (!vm->chip)
		return -ENXIO;
	err = irqchip_set_pit(vm->chip, &s, size == sizeof(s), rdtsc());
	vm_deliver_wakes(vm);
	return err;
}

s64 vm_get_pit(struct vm *vm, u64 arg)
{
	struct kvm_pit_state s;

	/* Linux takes the structure in first. */
	return copy_in(&s, arg, sizeof(s)) ? -EFAULT : get_pit(vm, arg, sizeof(s));
}

s64 vm_set_pit(struct vm *vm, u64 arg)
{
	return set_pit(vm, arg, sizeof(struct kvm_pit_state));
}

s64 vm_get_pit2(struct vm *vm, u64 arg)
{
	return get_pit(vm, arg, sizeof(struct kvm_pit_state2));
}

s64 vm_set_pit2(struct vm *vm, u64 arg)
{
	return set_pit(vm, arg, sizeof(struct kvm_pit_state2));
}

s64 vm_reinject_control(struct vm *vm, u64 arg)
{
	struct kvm_reinject_control control;

	if (copy_in(&control, arg, sizeof(control)))
		return -EFAULT;
	return vm->chip ? irqchip_set_reinject(vm->chip, control.pit_reinject) : -ENXIO;
}

s64 vm_irq_line(struct vm *vm, u64 arg, bool status)
{
	struct kvm_irq_level line;
	int r;

	if (copy_in(&line, arg, sizeof(line)))
		return -EFAULT;
	if (!vm->chip)
		return -ENXIO;
	r = status ? irqchip_line_status(vm->chip, line.irq, line.level)
		   : irqchip_line(vm->chip, line.irq, IRQ_SOURCE_API, line.level);
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

static int fill_routing(const struct vm *vm, struct irq_routing *r, u64 arg, u32 nr)
{
	bool x2apic_ids = vm->x2apic_api & KVM_X2APIC_API_USE_32BIT_IDS;
	struct kvm_irq_routing_entry e;
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++) {
		if (copy_route(&e, arg, i))
			err = -EFAULT;
		else if (e.type == KVM_IRQ_ROUTING_IRQCHIP && !vm_has_pic(vm))
			err = -EINVAL;
		else
			err = routing_add(r, &e, x2apic_ids);
	}
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
	err = fill_routing(vm, &r, arg, head.nr);
	if (!err)
		irqchip_set_routing(vm->chip, &r);
	vm_deliver_wakes(vm); /* of whom other ends of interrupts are to be heard of */
	routing_destroy(&r);
	return err;
}
