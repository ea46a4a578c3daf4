/* SPDX-License-Identifier: MIT */
/* Breaches of the rules for a control guest, for the end-to-end tests: see kvm0_breach.h. */
#include "tests/abi/kvm0_breach.h"
#include "tests/abi/kvm0_calls.h"

static void touch_kvm0(void)
{
	u64 start, end;

	if (!kvm0_own_range(&start, &end)) {
		t_printf("breach: no hole in the memory map\n");
		return;
	}
	t_printf("breach: reading 0x%llx\n", start);
	t_printf("breach: read 0x%x\n", *(const volatile u32 *)ptr(start));
}

static void triple_fault(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt;

	t_printf("breach: faulting without handlers\n");
	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt) : "memory");
}

void kvm0_breach(const struct boot *boot)
{
	if (!strcmp(boot->cmdline, "touch-kvm0"))
		touch_kvm0();
	else if (!strcmp(boot->cmdline, "triple-fault"))
		triple_fault();
}
