/* SPDX-License-Identifier: MIT */
/* What a panic has of the layers above the core; see monitor/crash.h. */
#include "monitor/crash.h"
#include "core/console.h"
#include "core/panic.h"
#include "cpu/tsc.h"
#include "lib/printf.h"
#include "monitor/monitor.h"
#include "monitor/park.h"
#include "monitor/shutdown.h"

#define ON_DEMAND_MS 20u

static bool name_vcpu(u64 vmcs, char *text, size_t size)
{
	for (u32 i = 0; i < percpu_count; i++) {
		const struct vmx_vcpu *v = park_control(i);

		if (v && v->vmcs.v == vmcs) {
			printf_format(text, size, "0.%u", i);
			return true;
		}
	}
	for (const struct vm *vm = vm_after(NULL); vm; vm = vm_after(vm))
		for (u32 i = 0; i < vm->vcpu_count; i++)
			if (vm->vcpus[i]->vmx.vmcs.v == vmcs) {
				printf_format(text, size, "%u.%u", vm->id, vm->vcpus[i]->id);
				return true;
			}
	return false;
}

static u8 wait_for_key(void)
{
	int byte;

	while ((byte = console_read()) < 0)
		__builtin_ia32_pause();
	return (u8)byte;
}

static bool is_key_pressed(void)
{
	return console_read() >= 0;
}

/* Who holds a lock does not go on. */
static void break_locks(void)
{
	for (struct vm *vm = vm_after(NULL); vm; vm = vm_after(vm)) {
		vm->lock = (struct spinlock){0};
		if (vm->chip)
			vm->chip->lock = (struct spinlock){0};
	}
}

static void serve(void)
{
	/* Before this CPU has its part of the control guest there is little to look at. */
	if (!console_uart() || !park_control(this_cpu()->index))
		return;
	break_locks();
	monitor_serve(wait_for_key);
}

__attribute__((noinline)) void crash_on_demand(void)
{
	udelay(1000ull * ON_DEMAND_MS);
	panic("the monitor was told to");
}

void crash_init(void)
{
	panic_hooks.leave = vmx_leave_for_panic;
	panic_hooks.vcpu_name = name_vcpu;
	panic_hooks.monitor = serve;
	panic_hooks.key = is_key_pressed;
	panic_hooks.reboot = shutdown_reset;
}
