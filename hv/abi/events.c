/* SPDX-License-Identifier: MIT */
/* The calls on events, and the requests on a VM's handle that name some. */
#include <linux/errno.h>
#include <kvm0/abi.h>
#include "abi/calls.h"
#include "abi/copy.h"
#include "abi/requests.h"

int event_of_handle(u64 handle, struct handle_ref *ref)
{
	int err = handle ? handle_get(handle, ref) : -EINVAL;

	if (!err && ref->kind != HANDLE_EVENT) {
		handle_put(ref);
		err = -EINVAL;
	}
	return err;
}

s64 call_event_create(u64 count, u64 flags)
{
	struct event *e;
	int handle;

	if (count > 0xffffffff || flags & ~(u64)KVM0_EVENT_SEMAPHORE)
		return -EINVAL;
	e = event_create(count, flags & KVM0_EVENT_SEMAPHORE);
	if (!e)
		return -ENOMEM;
	handle = handle_open(HANDLE_EVENT, e);
	if (handle < 0)
		event_put(e);
	return handle;
}

s64 call_event_signal(u64 handle, u64 n)
{
	struct handle_ref ref;
	int err = event_of_handle(handle, &ref);

	if (err)
		return err;
	err = event_add(ref.event, n);
	handle_put(&ref);
	return err;
}

s64 call_event_read(u64 handle, u64 *value)
{
	struct handle_ref ref;
	int err = event_of_handle(handle, &ref);

	if (err)
		return err;
	err = event_read(ref.event, value);
	handle_put(&ref);
	return err;
}

/* --- KVM_IOEVENTFD --- */

s64 vm_ioeventfd(struct vm *vm, u64 arg)
{
	struct kvm_ioeventfd io;
	struct handle_ref ref;
	int err;

	if (copy_in(&io, arg, sizeof(io)))
		return -EFAULT;
	/* What is wrong with the rest comes first, when it is to be assigned. */
	err = io.flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? 0 : ioeventfd_check(&io);
	if (!err)
		err = event_of_handle((u32)io.fd, &ref);
	if (err)
		return err;
	err = ioeventfd_change(&vm->io, &io, ref.event);
	handle_put(&ref);
	return err;
}

/* --- KVM_IRQFD --- */

static int assign_resampling(struct vm *vm, const struct kvm_irqfd *irqfd, struct event *e)
{
	struct handle_ref ref;
	int err = event_of_handle(irqfd->resamplefd, &ref);

	if (err)
		return err;
	err = irqfd_assign(vm, e, irqfd->gsi, ref.event);
	handle_put(&ref);
	return err;
}

s64 vm_irqfd(struct vm *vm, u64 arg)
{
	struct kvm_irqfd irqfd;
	struct handle_ref ref;
	int err;

	if (copy_in(&irqfd, arg, sizeof(irqfd)))
		return -EFAULT;
	if (irqfd.flags & ~(u32)(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	/* Who resamples waits for an EOI at an I/O APIC or PIC. */
	if (!(irqfd.flags & KVM_IRQFD_FLAG_DEASSIGN) &&
	    !(irqfd.flags & KVM_IRQFD_FLAG_RESAMPLE ? vm_has_pic(vm) : vm->chip != NULL))
		return -EINVAL;
	err = event_of_handle(irqfd.fd, &ref);
	if (err)
		return err;
	if (irqfd.flags & KVM_IRQFD_FLAG_DEASSIGN)
		irqfd_deassign(vm, ref.event, irqfd.gsi);
	else if (irqfd.flags & KVM_IRQFD_FLAG_RESAMPLE)
		err = assign_resampling(vm, &irqfd, ref.event);
	else
		err = irqfd_assign(vm, ref.event, irqfd.gsi, NULL);
	vm_deliver_wakes(vm); /* as for KVM_SET_GSI_ROUTING */
	handle_put(&ref);
	return err;
}
