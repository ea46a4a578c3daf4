/* SPDX-License-Identifier: MIT */
/* Requests on a VM's handle that concern its interrupt controllers. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
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
