/* SPDX-License-Identifier: MIT */
/* Breaches of the rules for a control guest, for the end-to-end tests: see kvm0_breach.h. */
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
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

#define RESET_PAGE 0xfffff000ull /* the first instruction is 16 bytes before its end */

/* A vCPU that loops at its first instruction for ever; its handle, or -errno. */
static s64 endless_vcpu(void)
{
	u8 *pages = t_alloc(2 * PAGE_SIZE);
	struct kvm_userspace_memory_region slot = {.guest_phys_addr = RESET_PAGE,
						   .memory_size = PAGE_SIZE,
						   .userspace_addr = addr(pages)};
	s64 vm = t_ioctl(t_system(), KVM_CREATE_VM, 0);
	s64 vcpu = vm < 0 ? vm : t_ioctl((int)vm, KVM_CREATE_VCPU, 0);

	if (!pages || vcpu < 0)
		return MIN(vcpu, -1);
	memcpy(pages + PAGE_SIZE - 16, "\xeb\xfe", 2); /* JMP to itself */
	s64 r = t_ioctl_ptr((int)vm, KVM_SET_USER_MEMORY_REGION, &slot);
	return r || !t_map_run((int)vcpu, pages + PAGE_SIZE) ? -1 : vcpu;
}

static void run_endless(void *arg)
{
	u64 deadline;

	t_printf("breach: CPU 1's run ends with %lld\n",
		 kvm0_run_once((u32) * (s64 *)arg, &deadline));
}

/* Nothing more may come from CPU 1. */
static void touch_kvm0_while_running(void)
{
	static s64 vcpu;

	vcpu = endless_vcpu();
	if (vcpu < 0 || smp_start() < 2 || smp_call(1, run_endless, &vcpu)) {
		t_printf("breach: no run on CPU 1\n");
		return;
	}
	time_delay_us(2000);
	touch_kvm0();
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
	else if (!strcmp(boot->cmdline, "touch-kvm0-while-running"))
		touch_kvm0_while_running();
	else if (!strcmp(boot->cmdline, "triple-fault"))
		triple_fault();
}
