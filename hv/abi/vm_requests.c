/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "cpu/tsc.h"

/* The handle comes first: without one the vCPU would stay in the VM, out of reach. */
static s64 create_vcpu(struct vm *vm, u64 id)
{
	struct vcpu *c;
	s64 handle, err;

	vm_get(vm);
	handle = handle_open(vm, NULL);
	if (handle < 0) {
		vm_put(vm);
		return handle;
	}
	err = vm_create_vcpu(vm, id, &c);
	if (err) {
		(void)handle_close((u64)handle);
		return err;
	}
	handle_bind((u64)handle, c);
	return handle;
}

static s64 set_user_memory_region(struct vm *vm, u64 arg)
{
	struct kvm_userspace_memory_region r;

	return copy_in(&r, arg, sizeof(r)) ? -EFAULT : vm_set_memory(vm, &r);
}

/* Memory that KVM needs on CPUs without unrestricted guest: three pages below 4 GiB here,
 * one below.  kvm0 runs on no such CPU and only checks the calls (KVM API,
 * KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR). */
static s64 set_tss_addr(u64 arg)
{
	return arg > SIZE_4G - 3 * PAGE_SIZE ? -EINVAL : 0;
}

static s64 set_identity_map_addr(struct vm *vm, u64 arg)
{
	u64 address;
	s64 result = -EINVAL;

	spin_lock(&vm->lock);
	if (!vm->vcpu_count)
		result = copy_in(&address, arg, sizeof(address));
	spin_unlock(&vm->lock);
	return result;
}

/* The lock of the models, since the PIT is made under it. */
static s64 create_pit2(struct vm *vm, u64 arg)
{
	struct kvm_pit_config config;

	if (copy_in(&config, arg, sizeof(config)))
		return -EFAULT;
	if (!vm->chip)
		return -ENOENT;
	return irqchip_create_pit(vm->chip, config.flags, rdtsc());
}

static s64 irq_line(struct vm *vm, u64 arg, bool status)
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

s64 vm_request(struct vm *vm, u32 request, u64 arg)
{
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return check_extension(arg);
	case KVM_CREATE_VCPU:
		return create_vcpu(vm, arg);
	case KVM_SET_USER_MEMORY_REGION:
		return set_user_memory_region(vm, arg);
	case KVM_SET_TSS_ADDR:
		return set_tss_addr(arg);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return set_identity_map_addr(vm, arg);
	case KVM_CREATE_IRQCHIP:
		return vm_create_irqchip(vm);
	case KVM_CREATE_PIT2:
		return create_pit2(vm, arg);
	case KVM_IRQ_LINE:
		return irq_line(vm, arg, false);
	case KVM_IRQ_LINE_STATUS:
		return irq_line(vm, arg, true);
	default:
		return -ENOTTY;
	}
}
