/* SPDX-License-Identifier: MIT */
/* Commands about virtual machines as a whole. */
#include <linux/errno.h>
#include "monitor/command.h"
#include "monitor/park.h"
#include "monitor/sets.h"

static int run_vms(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_print(" VM  vCPUs  slots  memory in slots\n");
	for (struct vm *vm = vm_after(NULL); vm; vm = vm_after(vm))
		monitor_print("%3u  %5u  %5u  %8llu MiB\n", vm->id, vm->vcpu_count, vm->slots.count,
			      vm->slot_pages >> 8);
	return 0;
}

static const struct command commands[] = {
	{"vms", "", "the virtual machines that there are", run_vms, NULL, 0, 0},
};
COMMAND_SET(cmd_vm, commands);
